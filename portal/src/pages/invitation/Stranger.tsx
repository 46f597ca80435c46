import { Button, Divider, Stack, Text } from '@mantine/core'
import { useJoin, useSignInMethods } from '../../api/auth'
import type { AcceptedInvitation, InvitationContents } from '../../api/schema'
import { PasswordForm } from '../sign-in/PasswordForm'
import { NewAccount } from './NewAccount'
import { Refusal } from './Refusal'

interface Props {
  secret: string
  invitation: InvitationContents
  onAccepted: (invitation: AcceptedInvitation | undefined) => void
}

/** For somebody who is not signed in: the account of the address, or a new one. The secret does not leave this page. */
export function Stranger({ secret, invitation, onAccepted }: Props) {
  const { email, accountExists } = invitation
  const join = useJoin()
  const provider = useSignInMethods().data?.oidc
  return (
    <Stack gap="md">
      {accountExists ? (
        <>
          <Text fz="sm">This address has an account here: sign in to it to accept.</Text>
          <Refusal error={join.error} />
          <PasswordForm
            email={email}
            action="Sign in and accept"
            onSignedIn={() => join.mutate(secret, { onSuccess: onAccepted })}
          />
        </>
      ) : (
        <NewAccount secret={secret} email={email} onAccepted={onAccepted} />
      )}
      {provider && (
        <>
          <Divider label="or" />
          <Button component="a" href="/auth/oidc" variant="default" fullWidth>
            Sign in with {provider}
          </Button>
          <Text fz="xs" c="dimmed">
            {accountExists
              ? 'Open the link of the invitation once more afterwards.'
              : 'That makes an account without a password, with the roles of your open invitations.'}
          </Text>
        </>
      )}
    </Stack>
  )
}
