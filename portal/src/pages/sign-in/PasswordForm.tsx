import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { useSignIn } from '../../api/auth'
import { ApiError } from '../../api/error'
import { Refused } from '../../components/Refused'
import { tokenHint } from '../../components/tokenHint'
import { useNow } from '../../components/useNow'

interface Props {
  /** Of the account that it must be, if that is known. */
  email?: string
  /** The button's words. */
  action?: string
  onSignedIn: () => void
}

/** E-mail address and password. Read from the form itself, so that whatever a password manager fills in counts. */
export function PasswordForm({ email, action = 'Sign in', onSignedIn }: Props) {
  const signIn = useSignIn()
  const [hint, setHint] = useState<string>()
  const password = useRef<HTMLInputElement>(null)
  const wait = useWait(signIn.error)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (wait > 0 || signIn.isPending) return
    const form = new FormData(event.currentTarget)
    const body = {
      email: String(form.get('email') ?? '').trim(),
      password: String(form.get('password') ?? ''),
    }
    signIn.mutate(body, { onSuccess: onSignedIn, onError: () => password.current?.select() })
  }
  return (
    <form onSubmit={submit} method="post">
      <Stack gap="md">
        <Refused error={signIn.error} />
        <TextInput
          label="E-mail address"
          name="email"
          type="email"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          withAsterisk={false}
          defaultValue={email}
          readOnly={email !== undefined}
          autoFocus={email === undefined}
        />
        <PasswordInput
          ref={password}
          label="Password"
          name="password"
          autoComplete="current-password"
          autoFocus={email !== undefined}
          required
          withAsterisk={false}
          onChange={(event) => setHint(tokenHint(event.currentTarget.value))}
        />
        {hint && (
          <Alert color="yellow" role="status">
            {hint}
          </Alert>
        )}
        <Button type="submit" fullWidth loading={signIn.isPending} disabled={wait > 0}>
          {wait > 0 ? `Try again in ${wait} s` : action}
        </Button>
      </Stack>
    </form>
  )
}

/** How many seconds are left of the wait that the server asked for. */
function useWait(error: unknown): number {
  const now = useNow()
  const [until, setUntil] = useState(0)
  const seconds = error instanceof ApiError ? error.retryAfter : undefined
  // The error of each attempt is a new one: its wait begins with it.
  useEffect(() => {
    setUntil(error && seconds !== undefined ? Date.now() + seconds * 1000 : 0)
  }, [error, seconds])
  return Math.max(0, Math.ceil((until - now) / 1000))
}
