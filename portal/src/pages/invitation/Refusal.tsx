import { Alert, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { ApiError, sentence } from '../../api/error'
import { TextLink } from '../../components/links'

/** Why an invitation is not accepted, in the server's words, and the way on. */
export function Refusal({ error }: { error: unknown }) {
  if (!error) return null
  const code = error instanceof ApiError ? error.code : ''
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} role="alert">
      <Text fz="sm">{sentence(error)}</Text>
      {code === 'InvitationGone' && (
        <Text fz="sm" mt={4}>
          Whoever invited you can make a new link. Was it you who accepted it?{' '}
          <TextLink to="/sign-in" fz="sm" underline="always">
            Sign in
          </TextLink>
        </Text>
      )}
      {code === 'NotFound' && (
        <Text fz="sm" mt={4}>
          Perhaps the link is from another server, or a part of it is missing. Ask whoever sent it.
        </Text>
      )}
    </Alert>
  )
}
