import { Divider, Group, Paper, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { WorkspaceOverview } from '../../api/schema'
import { RoleButton } from '../../components/RoleButton'
import { Section } from '../../components/Section'
import { DeleteWorkspace } from '../workspaces/DeleteWorkspace'
import { RenameWorkspace } from '../workspaces/RenameWorkspace'

/** The workspace itself: its name, and its end. */
export function General({ workspace }: { workspace: WorkspaceOverview }) {
  const [open, setOpen] = useState<'rename' | 'delete'>()
  const navigate = useNavigate()
  const close = () => setOpen(undefined)
  return (
    <Section title="This workspace">
      <Paper withBorder p="lg">
        <Group justify="space-between" gap="sm">
          <Row title="Name">
            {workspace.name}. Programs know it by its id, {workspace.workspaceId}, which stays.
          </Row>
          <RoleButton
            own={workspace.role}
            needs="Manager"
            variant="default"
            onClick={() => setOpen('rename')}
          >
            Rename…
          </RoleButton>
        </Group>
        <Divider my="md" />
        <Group justify="space-between" gap="sm">
          <Row title="Delete it">
            Both tokens die, and all topics with their records go. There is no way back.
          </Row>
          <RoleButton
            own={workspace.role}
            needs="Manager"
            color="red"
            variant="outline"
            onClick={() => setOpen('delete')}
          >
            Delete…
          </RoleButton>
        </Group>
      </Paper>
      <RenameWorkspace workspace={open === 'rename' ? workspace : undefined} onClose={close} />
      <DeleteWorkspace
        workspace={open === 'delete' ? workspace : undefined}
        onClose={close}
        onDeleted={({ waitingFor }) => {
          const rest = waitingFor?.length ? 'Its tokens are dead; the rest goes on by itself.' : 'It is gone.'
          notifications.show({ title: `Deleted ${workspace.workspaceId}`, message: rest })
          void navigate({ to: '/workspaces' })
        }}
      />
    </Section>
  )
}

function Row({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <div style={{ flex: '1 1 280px' }}>
      <Text fz="sm" fw={500}>
        {title}
      </Text>
      <Text fz="sm" c="dimmed">
        {children}
      </Text>
    </div>
  )
}
