import { Button, Group, Text, TextInput } from '@mantine/core'
import { IconAlertTriangle, IconSearch } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import type { WorkspaceOverview } from '../../api/schema'

function needsAttention(workspace: WorkspaceOverview): boolean {
  return workspace.deadTokenUses > 0 || workspace.status !== 'Ready'
}

/** The workspaces that a filter leaves. */
export function matching(all: WorkspaceOverview[] | undefined, filter: string, show: string | undefined) {
  const words = filter.toLowerCase().split(/\s+/)
  return all?.filter(
    (workspace) =>
      words.every((word) => `${workspace.name} ${workspace.workspaceId}`.toLowerCase().includes(word)) &&
      (show !== 'attention' || needsAttention(workspace)),
  )
}

interface FiltersProps {
  all: WorkspaceOverview[] | undefined
  shown: number | undefined
  filter: string
  show: string | undefined
}

/** The box over the list, and how much of it is left. */
export function Filters({ all, shown, filter, show }: FiltersProps) {
  const navigate = useNavigate({ from: '/workspaces' })
  const set = (change: { filter?: string; show?: string | undefined }) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  const attention = all?.filter(needsAttention).length ?? 0
  return (
    <Group mb="sm" gap="sm">
      <TextInput
        aria-label="Filter by name or id"
        placeholder="Filter by name or id"
        leftSection={<IconSearch size={16} aria-hidden />}
        value={filter}
        onChange={(event) => set({ filter: event.currentTarget.value })}
        w={{ base: '100%', xs: 280 }}
      />
      {(attention > 0 || show === 'attention') && (
        <Button
          size="xs"
          radius="xl"
          color="red"
          variant={show === 'attention' ? 'filled' : 'light'}
          aria-pressed={show === 'attention'}
          leftSection={<IconAlertTriangle size={14} aria-hidden />}
          onClick={() => set({ show: show === 'attention' ? undefined : 'attention' })}
        >
          {attention === 1 ? '1 needs' : `${attention.toLocaleString()} need`} attention
        </Button>
      )}
      {all && shown !== undefined && (
        <Text fz="sm" c="dimmed" role="status">
          {shown === all.length ? '' : `${shown.toLocaleString()} of `}
          {all.length === 1 ? '1 workspace' : `${all.length.toLocaleString()} workspaces`}
        </Text>
      )}
    </Group>
  )
}
