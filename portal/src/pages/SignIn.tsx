import { Button, Divider } from '@mantine/core'
import { IconLogin2 } from '@tabler/icons-react'
import { useRouter, useSearch } from '@tanstack/react-router'
import { useEffect } from 'react'
import { useSignInMethods } from '../api/auth'
import { useProfileIfAny } from '../api/profile'
import { Outside } from '../layout/Outside'
import { Help } from './sign-in/Help'
import { PasswordForm } from './sign-in/PasswordForm'
import { ProviderRefused } from './sign-in/ProviderRefused'
import { rememberReturn, returnTo } from './sign-in/returnTo'

/** Sign-in by password, or through the identity provider where there is one. */
export function SignIn() {
  const { to, refused } = useSearch({ from: '/sign-in' })
  const router = useRouter()
  const provider = useSignInMethods().data?.oidc
  const signedIn = useProfileIfAny().data !== undefined
  const enter = () => router.history.replace(router.basepath + returnTo(to))
  // Somebody who is signed in, perhaps in another tab meanwhile, has nothing to do here.
  useEffect(() => {
    if (signedIn) router.history.replace(router.basepath + returnTo(to))
  }, [signedIn, router, to])
  return (
    <Outside title="Sign in" below={<Help />}>
      {refused && <ProviderRefused code={refused} provider={provider ?? 'The identity provider'} />}
      <PasswordForm onSignedIn={enter} />
      {provider && (
        <>
          <Divider label="or" my="md" />
          <Button
            component="a"
            href="/auth/oidc"
            onClick={() => rememberReturn(to)}
            variant="default"
            fullWidth
            leftSection={<IconLogin2 size={18} aria-hidden />}
          >
            Sign in with {provider}
          </Button>
        </>
      )}
    </Outside>
  )
}
