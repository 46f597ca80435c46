import { Button, Stack, Text } from '@mantine/core'
import { useJoin } from '../../api/auth'
import { ApiError } from '../../api/error'
import { useSignOut } from '../../api/profile'
import type { AcceptedInvitation } from '../../api/schema'
import { ButtonLink } from '../../components/links'
import { Refusal } from './Refusal'

interface Props {
  secret: string
  /** Of the account that is signed in. */
  email: string
  onAccepted: (invitation: AcceptedInvitation | undefined) => void
  onSignedOut: () => void
}

/** For somebody who is signed in: the account gets the role that the invitation gives. */
export function Join({ secret, email, onAccepted, onSignedOut }: Props) {
  const join = useJoin()
  const signOut = useSignOut()
  // Asking once more would change nothing.
  const over = join.error instanceof ApiError && (join.error.status === 410 || join.error.status === 404)
  return (
    <Stack gap="md">
      <Text fz="sm">
        You are signed in as <b>{email}</b>. This account gets the role that the invitation gives.
      </Text>
      <Refusal
        error={join.error}
        wayOn={(code) =>
          code === 'OtherAddress'
            ? 'Sign out, and go on with the account of that address or make one.'
            : code === 'InvitationGone'
              ? 'Whoever invited you can make a new link.'
              : undefined
        }
      />
      {over ? (
        <ButtonLink to="/workspaces">Go to the workspaces</ButtonLink>
      ) : (
        <Button loading={join.isPending} onClick={() => join.mutate(secret, { onSuccess: onAccepted })}>
          Accept the invitation
        </Button>
      )}
      <Button
        variant="default"
        loading={signOut.isPending}
        onClick={() => signOut.mutate(undefined, { onSuccess: onSignedOut })}
      >
        Sign out and use another account
      </Button>
    </Stack>
  )
}
