import { Alert, Button, Stack, Text } from '@mantine/core'
import { useJoin } from '../../api/auth'
import { useSignOut } from '../../api/profile'
import type { AcceptedInvitation } from '../../api/schema'
import { Refusal } from './Refusal'

interface Props {
  secret: string
  /** The address that is invited. */
  invited: string
  /** The address of the account that is signed in. */
  own: string
  onAccepted: (invitation: AcceptedInvitation | undefined) => void
  onSignedOut: () => void
}

/** For somebody who is signed in: the account gets the role, if it is the one that is invited. */
export function Join({ secret, invited, own, onAccepted, onSignedOut }: Props) {
  const join = useJoin()
  const signOut = useSignOut()
  const same = invited.toLowerCase() === own.toLowerCase()
  return (
    <Stack gap="md">
      {same ? (
        <Text fz="sm">You are signed in with this address.</Text>
      ) : (
        <Alert color="yellow" title="This is for another address">
          You are signed in as {own}. Sign out to go on as {invited}.
        </Alert>
      )}
      <Refusal error={join.error} />
      {same && (
        <Button loading={join.isPending} onClick={() => join.mutate(secret, { onSuccess: onAccepted })}>
          Accept the invitation
        </Button>
      )}
      <Button
        variant={same ? 'default' : 'filled'}
        loading={signOut.isPending}
        onClick={() => signOut.mutate(undefined, { onSuccess: onSignedOut })}
      >
        {same ? 'Sign out' : 'Sign out and go on'}
      </Button>
    </Stack>
  )
}
