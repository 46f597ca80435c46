import { Alert, List, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { DeletedWorkspace, WorkspaceOverview } from '../../api/schema'
import { useDeleteWorkspace, useWhatEnds } from '../../api/workspaces'
import { ConfirmDialog } from '../../components/ConfirmDialog'

interface Props {
  workspace: WorkspaceOverview | undefined
  onClose: () => void
  /** It is gone, or will be: the answer says which. */
  onDeleted: (answer: DeletedWorkspace) => void
}

/** Deletes a workspace, after its id was typed. */
export function DeleteWorkspace({ workspace, onClose, onDeleted }: Props) {
  const [reason, setReason] = useState('')
  const remove = useDeleteWorkspace()
  const workspaceId = workspace?.workspaceId ?? ''
  const confirm = async () => {
    const body = { workspaceId, ...(reason.trim() !== '' && { reason: reason.trim() }) }
    onDeleted(await remove.mutateAsync({ params: { path: { workspace_id: workspaceId } }, body }))
    setReason('')
  }
  return (
    <ConfirmDialog
      opened={workspace !== undefined}
      onClose={onClose}
      title={`Delete the workspace ${workspace?.name ?? ''}`}
      name={workspaceId}
      nameOf="its id"
      action="Delete this workspace"
      onConfirm={confirm}
    >
      {workspace && <WhatEnds workspace={workspace} />}
      <TextInput
        mt="md"
        label="Reason (optional)"
        description="It stands in the audit log."
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        maxLength={200}
      />
    </ConfirmDialog>
  )
}

function WhatEnds({ workspace }: { workspace: WorkspaceOverview }) {
  const { topics, webhooks } = useWhatEnds(workspace.workspaceId).data ?? {}
  const using = inUse(workspace.clientsOfToken1, workspace.openConnections ?? 0)
  return (
    <Stack gap="sm">
      {using !== '' && (
        <Alert color="yellow" title="It is in use">
          {using}. They are cut off.
        </Alert>
      )}
      <Text fz="sm">This ends, at once and for good:</Text>
      <List fz="sm" spacing={2}>
        <List.Item>both SDK tokens, on the API and on the broker, with all open connections</List.Item>
        {topics !== 0 && <List.Item>{counted(topics, 'topic')} with all messages</List.Item>}
        <List.Item>all consumer groups with their offsets</List.Item>
        {webhooks !== 0 && <List.Item>{counted(webhooks, 'webhook')} with the delivery log</List.Item>}
        <List.Item>the settings, the invitations and the roles given here</List.Item>
      </List>
      <Text fz="sm">
        There is no way back, and nobody can restore the messages. The audit log keeps what happened here.
      </Text>
    </Stack>
  )
}

function counted(count: number | undefined, one: string): string {
  if (count === undefined) return `all ${one}s`
  return count === 1 ? `1 ${one}` : `${count.toLocaleString()} ${one}s`
}

function inUse(clients: number, connections: number): string {
  const parts = []
  if (clients > 0) parts.push(clients === 1 ? '1 client uses Token 1' : `${clients} clients use Token 1`)
  if (connections > 0)
    parts.push(connections === 1 ? '1 connection is open' : `${connections} connections are open`)
  return parts.join(', ')
}
