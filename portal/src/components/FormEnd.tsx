import { Button, Group } from '@mantine/core'
import { Refused } from './Refused'

interface Props {
  /** Why the last attempt failed. */
  error: unknown
  onCancel: () => void
  /** What the form does, as its button says it. */
  action: string
  pending: boolean
  /** What was typed is not enough yet. */
  disabled: boolean
}

/** How the form of a dialog ends: the refusal, the way back, and the button that sends it. */
export function FormEnd({ error, onCancel, action, pending, disabled }: Props) {
  return (
    <>
      <Refused error={error} />
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onCancel}>
          Cancel
        </Button>
        <Button type="submit" loading={pending} disabled={disabled}>
          {action}
        </Button>
      </Group>
    </>
  )
}
