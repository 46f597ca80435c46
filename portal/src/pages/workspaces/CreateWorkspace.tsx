import { Code, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { useCreateWorkspace } from '../../api/workspaces'
import { FormEnd } from '../../components/FormEnd'
import { suggestId, whyNot } from './workspaceId'

interface Props {
  opened: boolean
  onClose: () => void
  /** The ids that are known to exist. */
  taken: string[]
}

/** Makes a workspace, and goes to where its tokens are. */
export function CreateWorkspace({ opened, onClose, taken }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title="Create a workspace">
      <Form onClose={onClose} taken={taken} />
    </Modal>
  )
}

function Form({ onClose, taken }: Omit<Props, 'opened'>) {
  const [name, setName] = useState('')
  // Nothing: the id follows the name.
  const [ownId, setOwnId] = useState<string>()
  const create = useCreateWorkspace()
  const navigate = useNavigate()
  const id = ownId ?? suggestId(name)
  const refusal = id === '' ? undefined : whyNot(id, taken)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (id === '' || refusal !== undefined) return
    create.mutate(
      { body: { workspaceId: id, ...(name.trim() !== '' && { name: name.trim() }) } },
      {
        onSuccess: ({ workspaceId }) =>
          void navigate({ to: '/workspaces/$workspaceId/broker-settings', params: { workspaceId } }),
      },
    )
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput
          label="Name"
          description="What people see. It can be changed later."
          placeholder="Payments production"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={100}
          autoComplete="off"
          data-autofocus
        />
        <TextInput
          label="Id"
          description="Lower-case letters and digits with single hyphens between them. It stays for good."
          placeholder="payments-production"
          value={id}
          onChange={(event) =>
            setOwnId(event.currentTarget.value === '' ? undefined : event.currentTarget.value)
          }
          error={refusal}
          required
          withAsterisk={false}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
        {id !== '' && refusal === undefined && (
          <Text fz="sm" c="dimmed">
            Its topics are called <Code style={{ overflowWrap: 'anywhere' }}>{id}-…</Code> on the broker. It
            gets two SDK tokens at once.
          </Text>
        )}
        <FormEnd
          error={create.error}
          onCancel={onClose}
          action="Create the workspace"
          pending={create.isPending}
          disabled={id === '' || refusal !== undefined}
        />
      </Stack>
    </form>
  )
}
