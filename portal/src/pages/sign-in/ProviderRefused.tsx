import { Alert } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'

/** Why a sign-in through the identity provider came back without a session. Only the server's word for it is in the address. */
export function ProviderRefused({ code, provider }: { code: string; provider: string }) {
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} role="alert" mb="md">
      {text(code, provider)}
    </Alert>
  )
}

function text(code: string, provider: string): string {
  switch (code) {
    case 'AccountExists':
      return `There is an account with your address and a password already. Sign in to it below, then connect it with ${provider} on your profile page. If you never made one, ask an admin to remove it.`
    case 'NotInvited':
      return `You are signed in at ${provider}, but nobody has invited you here under an address that it has verified. Ask an admin for an invitation.`
    case 'NotVouchedFor':
      return `${provider} did not confirm who you are. Try it again, or sign in with a password.`
    case 'ProviderUnavailable':
      return `${provider} cannot be used at the moment; the server’s log says why. Try it later, or sign in with a password.`
    case 'SignInNotBegun':
      return 'That sign-in was begun in another browser, or too long ago. Begin it once more.'
    default:
      return 'The sign-in did not succeed. Try it again, or sign in with a password.'
  }
}
