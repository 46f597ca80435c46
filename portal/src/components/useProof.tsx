import { Alert, Button, Group, Modal, PasswordInput, Stack, Text } from '@mantine/core'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useConfirmPassword } from '../api/auth'
import { ApiError, sentence } from '../api/error'
import { useProfile } from '../api/profile'

interface Waiting {
  /** The refusal: that the password is wanted, or a new sign-in where there is none. */
  refusal: ApiError
  again: () => void
  giveUp: () => void
}

interface Proof {
  /** Runs `action`. Should the server want the password first, it is asked for, and `action` runs once more. */
  prove: <Answer>(action: () => Promise<Answer>) => Promise<Answer>
  /** Belongs somewhere into the page. */
  dialog: ReactNode
  /** Whether the dialog is open: another one below it must not close on Escape meanwhile. */
  asking: boolean
}

/** For what a session may do only a while after its last proof of the password: revealing a token, making an access token. */
export function useProof(): Proof {
  const [waiting, setWaiting] = useState<Waiting>()
  const prove: Proof['prove'] = async (action) => {
    try {
      return await action()
    } catch (error) {
      if (!wantsProof(error)) throw error
      await new Promise<void>((again, giveUp) =>
        setWaiting({ refusal: error, again, giveUp: () => giveUp(error) }),
      )
      return await action()
    }
  }
  const cancel = () => {
    waiting?.giveUp()
    setWaiting(undefined)
  }
  const confirmed = () => {
    waiting?.again()
    setWaiting(undefined)
  }
  const dialog = (
    <Modal opened={waiting !== undefined} onClose={cancel} title="Confirm that it is you" size="sm">
      {waiting?.refusal.code === 'SignInAgainNeeded' ? (
        <SignInAgain refusal={waiting.refusal} onCancel={cancel} />
      ) : (
        <AskPassword onConfirmed={confirmed} onCancel={cancel} />
      )}
    </Modal>
  )
  return { prove, dialog, asking: waiting !== undefined }
}

/** Whether an action was refused until the user proves again who he is. Not worth an alert: the dialog has said it. */
export function wantsProof(error: unknown): error is ApiError {
  return (
    error instanceof ApiError &&
    (error.code === 'PasswordConfirmationNeeded' || error.code === 'SignInAgainNeeded')
  )
}

function AskPassword({ onConfirmed, onCancel }: { onConfirmed: () => void; onCancel: () => void }) {
  const { email } = useProfile()
  const [password, setPassword] = useState('')
  const confirm = useConfirmPassword()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    // A dialog inside another form's React tree: only this one is meant.
    event.stopPropagation()
    confirm.mutate({ body: { password } }, { onSuccess: onConfirmed })
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Text fz="sm">
          It is a while since you gave your password. What you are about to see is as good as a password.
        </Text>
        {/* Password managers look for the account's name. */}
        <input type="text" name="username" autoComplete="username" value={email} readOnly hidden />
        <PasswordInput
          label={`Password of ${email}`}
          name="password"
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          error={confirm.error ? sentence(confirm.error) : undefined}
          required
          withAsterisk={false}
          data-autofocus
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={confirm.isPending}>
            Confirm
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function SignInAgain({ refusal, onCancel }: { refusal: ApiError; onCancel: () => void }) {
  return (
    <Stack gap="md">
      <Alert color="yellow">{sentence(refusal)}</Alert>
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onCancel}>
          Cancel
        </Button>
        <Button component="a" href="/auth/oidc">
          Sign in again
        </Button>
      </Group>
    </Stack>
  )
}
