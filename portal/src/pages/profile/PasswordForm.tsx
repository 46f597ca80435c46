import { Alert, Button, Group, PasswordInput, Stack, Text } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { ApiError, sentence } from '../../api/error'
import { useChangePassword } from '../../api/profile'
import { Refused } from '../../components/Refused'

/** The old password and the new one. The sessions elsewhere end, this one stays. */
export function PasswordForm({ email }: { email: string }) {
  const change = useChangePassword()
  const [mismatch, setMismatch] = useState(false)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const text = (name: string) => String(new FormData(form).get(name) ?? '')
    const differ = text('new-password') !== text('repeated')
    setMismatch(differ)
    if (differ || change.isPending) return
    change.mutate(
      { body: { currentPassword: text('current-password'), newPassword: text('new-password') } },
      { onSuccess: () => form.reset() },
    )
  }
  const wrong = change.error instanceof ApiError && change.error.code === 'WrongPassword'
  return (
    <form onSubmit={submit} method="post">
      <Stack gap="sm">
        {/* Password managers look for the account's name. */}
        <input type="text" name="username" autoComplete="username" value={email} readOnly hidden />
        <PasswordInput
          label="Current password"
          name="current-password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          error={wrong && sentence(change.error)}
        />
        <PasswordInput
          label="New password"
          description="At least 8 characters."
          name="new-password"
          autoComplete="new-password"
          minLength={8}
          required
          withAsterisk={false}
        />
        <PasswordInput
          label="New password once more"
          name="repeated"
          autoComplete="new-password"
          required
          withAsterisk={false}
          error={mismatch && 'The two are not the same.'}
        />
        {change.error && !wrong && <Refused error={change.error} />}
        {change.isSuccess && (
          <Alert color="teal" role="status">
            The password is changed, and every other session has ended. Personal access tokens still work.
          </Alert>
        )}
        <Group justify="space-between" gap="sm">
          <Text fz="xs" c="dimmed" flex="1 1 200px">
            Your other sessions end. Personal access tokens stay: delete those below.
          </Text>
          <Button type="submit" variant="default" loading={change.isPending}>
            Change the password
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
