import { Modal, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useRenameWorkspace } from '../../api/workspaces'
import { FormEnd } from '../../components/FormEnd'

interface Named {
  workspaceId: string
  name: string
}

/** Gives a workspace another name; its id stays. */
export function RenameWorkspace({
  workspace,
  onClose,
}: {
  workspace: Named | undefined
  onClose: () => void
}) {
  return (
    <Modal opened={workspace !== undefined} onClose={onClose} title="Rename the workspace">
      {workspace && <Form workspace={workspace} onClose={onClose} />}
    </Modal>
  )
}

function Form({ workspace, onClose }: { workspace: Named; onClose: () => void }) {
  const [name, setName] = useState(workspace.name)
  const rename = useRenameWorkspace()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const path = { workspace_id: workspace.workspaceId }
    rename.mutate({ params: { path }, body: { name: name.trim() } }, { onSuccess: onClose })
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput
          label="Name"
          description={`Its id stays ${workspace.workspaceId}, so nothing has to be changed in programs.`}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={100}
          required
          withAsterisk={false}
          data-autofocus
        />
        <FormEnd
          error={rename.error}
          onCancel={onClose}
          action="Rename"
          pending={rename.isPending}
          disabled={name.trim() === ''}
        />
      </Stack>
    </form>
  )
}
