import { Alert, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { type FormEvent, type ReactNode, useId, useState } from 'react'
import { sentence } from '../api/error'

interface Props {
  opened: boolean
  onClose: () => void
  /** What is about to happen: "Delete the workspace Payments". */
  title: string
  /** What ends, in sentences or a list. */
  children: ReactNode
  /** The button's words: "Delete this workspace". */
  action: string
  /** What must be typed before; without it a click is enough, for what can be made again. */
  name?: string
  /** What that is: "the workspace's id". */
  nameOf?: string
  /** Does it. The dialog closes when it succeeds, and shows the refusal when it does not. */
  onConfirm: () => Promise<unknown>
}

/** Asks before something ends for good. */
export function ConfirmDialog({ opened, onClose, title, ...rest }: Props) {
  const [pending, setPending] = useState(false)
  const close = () => {
    // What has been sent cannot be called back: the answer is waited for.
    if (!pending) onClose()
  }
  return (
    <Modal opened={opened} onClose={close} title={title} size="md">
      {/* Only mounted while the dialog is open, so what was typed is gone the next time. */}
      <Question {...rest} onClose={onClose} pending={pending} setPending={setPending} />
    </Modal>
  )
}

interface QuestionProps extends Omit<Props, 'opened' | 'title'> {
  pending: boolean
  setPending: (pending: boolean) => void
}

function Question({
  children,
  action,
  name,
  nameOf = 'its name',
  onConfirm,
  onClose,
  pending,
  setPending,
}: QuestionProps) {
  const [typed, setTyped] = useState('')
  const [error, setError] = useState<unknown>()
  const hint = useId()
  const confirmed = name === undefined || typed.trim() === name
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (!confirmed || pending) return
    setPending(true)
    setError(undefined)
    try {
      await onConfirm()
      onClose()
    } catch (refusal) {
      setError(refusal)
    } finally {
      setPending(false)
    }
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Text component="div" fz="sm">
          {children}
        </Text>
        {name !== undefined && (
          <TextInput
            label={
              <Text span id={hint} fz="sm" fw={400}>
                Type {nameOf}, <b style={{ overflowWrap: 'anywhere' }}>{name}</b>, to confirm
              </Text>
            }
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            disabled={pending}
            data-autofocus
          />
        )}
        {error !== undefined && (
          <Alert color="red" icon={<IconAlertTriangle aria-hidden />} role="alert">
            {sentence(error)}
          </Alert>
        )}
        <Group justify="flex-end" gap="xs">
          <Button
            variant="default"
            onClick={onClose}
            disabled={pending}
            data-autofocus={name === undefined || undefined}
          >
            Cancel
          </Button>
          <Button type="submit" color="red" disabled={!confirmed} loading={pending}>
            {action}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
