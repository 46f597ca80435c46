import { Button, Divider, SegmentedControl, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useJoin, useSignInMethods } from '../../api/auth'
import type { AcceptedInvitation } from '../../api/schema'
import { PasswordForm } from '../sign-in/PasswordForm'
import { NewAccount } from './NewAccount'
import { Refusal } from './Refusal'

interface Props {
  secret: string
  onAccepted: (invitation: AcceptedInvitation | undefined) => void
}

/** For somebody who is not signed in: a new account, or the one that exists. The secret does not leave this page. */
export function Stranger({ secret, onAccepted }: Props) {
  const [way, setWay] = useState('new')
  const join = useJoin()
  const provider = useSignInMethods().data?.oidc
  return (
    <Stack gap="md">
      <SegmentedControl
        fullWidth
        value={way}
        onChange={setWay}
        aria-label="With which account"
        data={[
          { value: 'new', label: 'New account' },
          { value: 'own', label: 'I have an account' },
        ]}
      />
      {way === 'new' ? (
        <NewAccount secret={secret} onAccepted={onAccepted} onExists={() => setWay('own')} />
      ) : (
        <>
          <Refusal error={join.error} />
          <PasswordForm
            action="Sign in and accept"
            onSignedIn={() => join.mutate(secret, { onSuccess: onAccepted })}
          />
        </>
      )}
      {provider && (
        <>
          <Divider label="or" />
          <Button component="a" href="/auth/oidc" variant="default" fullWidth>
            Sign in with {provider}
          </Button>
          <Text fz="xs" c="dimmed">
            That makes a new account with the roles of your open invitations. If you have an account already,
            open the link of the invitation once more afterwards.
          </Text>
        </>
      )}
    </Stack>
  )
}
