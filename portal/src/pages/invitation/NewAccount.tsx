import { Button, PasswordInput, Stack, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { useSignUp } from '../../api/auth'
import type { AcceptedInvitation } from '../../api/schema'
import { tokenHint } from '../../components/tokenHint'
import { Refusal } from './Refusal'

interface Props {
  secret: string
  /** The address that is invited, which the account gets. */
  email: string
  onAccepted: (invitation: AcceptedInvitation | undefined) => void
}

/** Name and password of a new account. */
export function NewAccount({ secret, email, onAccepted }: Props) {
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
        <Refusal error={signUp.error} />
        <TextInput
          label="E-mail address"
          description="You sign in with it."
          name="email"
          type="email"
          autoComplete="username"
          value={email}
          readOnly
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
          label="Password"
          description="A new one, of at least 8 characters."
          name="password"
          autoComplete="new-password"
          minLength={8}
          required
          withAsterisk={false}
          error={hint}
          onChange={(event) => setHint(tokenHint(event.currentTarget.value))}
        />
        <Button type="submit" fullWidth loading={signUp.isPending}>
          Create the account
        </Button>
      </Stack>
    </form>
  )
}
