import { Anchor, Button, PasswordInput, Stack, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { useSignUp } from '../../api/auth'
import type { AcceptedInvitation } from '../../api/schema'
import { tokenHint } from '../../components/tokenHint'
import { Refusal } from './Refusal'

interface Props {
  secret: string
  onAccepted: (invitation: AcceptedInvitation | undefined) => void
  /** The address has an account already. */
  onExists: () => void
}

/** Name and password of a new account; its address is the one that was invited. */
export function NewAccount({ secret, onAccepted, onExists }: Props) {
  const signUp = useSignUp()
  const navigate = useNavigate()
  const [hint, setHint] = useState<string>()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (signUp.isPending) return
    const form = new FormData(event.currentTarget)
    const name = String(form.get('name') ?? '').trim()
    const body = { secret, password: String(form.get('password') ?? ''), ...(name !== '' && { name }) }
    signUp.mutate(body, {
      onSuccess: ({ invitation, signedIn }) => {
        if (signedIn) onAccepted(invitation)
        // The account is there; only the sign-in was refused, after too many attempts from this place.
        else void navigate({ to: '/sign-in', replace: true })
      },
    })
  }
  return (
    <form onSubmit={submit} method="post">
      <Stack gap="md">
        <Refusal
          error={signUp.error}
          wayOn={(code) =>
            code === 'AccountExists' ? (
              <Anchor component="button" type="button" fz="sm" onClick={onExists}>
                Sign in with that account
              </Anchor>
            ) : undefined
          }
        />
        <TextInput
          label="Your name"
          description="As others see it here."
          name="name"
          autoComplete="name"
          maxLength={100}
          autoFocus
        />
        <PasswordInput
          label="A new password"
          description="At least 8 characters. You sign in with it and the address that was invited."
          name="password"
          autoComplete="new-password"
          minLength={8}
          required
          withAsterisk={false}
          error={hint}
          onChange={(event) => setHint(tokenHint(event.currentTarget.value))}
        />
        <Button type="submit" fullWidth loading={signUp.isPending}>
          Make the account
        </Button>
      </Stack>
    </form>
  )
}
