import { Alert, Stack, Text, TextInput } from '@mantine/core'
import { IconSearch, IconUsersGroup } from '@tabler/icons-react'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useDeferredValue, useMemo, useState } from 'react'
import type { ConsumerGroup } from '../../api/schema'
import { useDeleteGroup, useGroups } from '../../api/topics'
import { useRole } from '../../api/workspaces'
import { ConfirmDialog } from '../../components/ConfirmDialog'
import { DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Failed } from '../../components/Failed'
import { Page } from '../../components/Page'
import { GroupDrawer } from './GroupDrawer'
import { groupColumns } from './groupColumns'
import { plural } from './numbers'
import { TopicTabs } from './Tabs'

/** The consumer groups of a workspace: who is in them, and how far they have come. */
export function Groups() {
  const { workspaceId } = useParams({ from: '/shell/workspaces/$workspaceId/groups' })
  const { group: opened } = useSearch({ from: '/shell/workspaces/$workspaceId/groups' })
  const navigate = useNavigate({ from: '/workspaces/$workspaceId/groups' })
  const groups = useGroups(workspaceId)
  const role = useRole(workspaceId)
  const remove = useDeleteGroup(workspaceId)
  const [typed, setTyped] = useState('')
  const [deleting, setDeleting] = useState<ConsumerGroup>()
  const filter = useDeferredValue(typed.trim().toLowerCase())
  const rows = useMemo(
    () => groups.data?.groups.filter(({ name }) => name.toLowerCase().includes(filter)),
    [groups.data, filter],
  )
  const columns = useMemo(() => groupColumns(workspaceId, role, setDeleting), [workspaceId, role])
  return (
    <Page
      title="Consumer groups"
      description="Programs that read topics together, and how far they have come."
      tabs={<TopicTabs workspaceId={workspaceId} />}
    >
      <Stack gap="sm">
        <TextInput
          aria-label="Filter by name"
          placeholder="Filter by name"
          leftSection={<IconSearch size={16} aria-hidden />}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          w={{ base: '100%', xs: 280 }}
        />
        {groups.data?.partial.map((sentence) => (
          <Alert key={sentence} color="yellow">
            {sentence}
          </Alert>
        ))}
        {groups.error && groups.data === undefined ? (
          <Failed
            what="The consumer groups could not be loaded"
            error={groups.error}
            retry={() => void groups.refetch()}
          />
        ) : (
          <DataTable
            label="List of consumer groups"
            columns={columns}
            rows={rows}
            rowKey={({ id }) => id}
            initialSort={{ column: 'name' }}
            empty={
              typed === '' ? (
                <Empty icon={<IconUsersGroup />} title="No consumer groups yet">
                  A program that reads a topic names its group, and the broker makes it.
                </Empty>
              ) : (
                <Empty icon={<IconSearch />} title="No group has that in its name" />
              )
            }
          />
        )}
      </Stack>
      <GroupDrawer
        workspaceId={workspaceId}
        name={opened}
        group={groups.data?.groups.find(({ name }) => name === opened)}
        loading={groups.data === undefined}
        onClose={() => void navigate({ search: {}, resetScroll: false })}
      />
      <ConfirmDialog
        opened={deleting !== undefined}
        onClose={() => setDeleting(undefined)}
        title={`Delete the group ${deleting?.name ?? ''}`}
        action="Delete this group"
        onConfirm={async () => {
          if (deleting === undefined) return
          await remove.mutateAsync({ params: { path: { workspace_id: workspaceId, id: deleting.id } } })
        }}
      >
        <Text fz="sm">
          Its places in {plural(deleting?.topics.length ?? 0, 'topic')} are forgotten. When a program joins it
          again, it begins where its own setting says: at the beginning of each topic, or with what comes
          next.
        </Text>
      </ConfirmDialog>
    </Page>
  )
}
