import { Alert, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { ApiError, sentence } from '../../api/error'
import { TextLink } from '../../components/links'

/** Why an invitation was not accepted, in the server's words, and the way on. */
export function Refusal({ error, wayOn }: { error: unknown; wayOn?: (code: string) => ReactNode }) {
  if (!error) return null
  const code = error instanceof ApiError ? error.code : ''
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} role="alert">
      <Text fz="sm">{sentence(error)}</Text>
      <Text fz="sm" component="div" mt={4}>
        {wayOn?.(code) ?? general(code)}
      </Text>
    </Alert>
  )
}

function general(code: string): ReactNode {
  switch (code) {
    case 'InvitationGone':
      return (
        <>
          Whoever invited you can make a new link. Was it you who accepted it?{' '}
          <TextLink to="/sign-in" fz="sm">
            Sign in
          </TextLink>
        </>
      )
    case 'NotFound':
      return 'Perhaps the link is from another server, or a part of it is missing. Ask whoever sent it.'
    default:
      return null
  }
}
