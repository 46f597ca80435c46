import { Button, Group, Text } from '@mantine/core'
import { IconClipboardList } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useAudit } from '../../api/audit'
import type { AuditRecord } from '../../api/schema'
import { type Column, DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Failed } from '../../components/Failed'
import { TextLink } from '../../components/links'
import { Time } from '../../components/Time'
import { ACTIONS } from './actions'
import { type AuditSearch, filterOf } from './search'

interface Props {
  /** Of this workspace; of all if there is none. */
  workspaceId: string | undefined
  search: AuditSearch
}

/** The records that were asked for, the newest first; older ones come when one reaches the end. */
export function Records({ workspaceId, search }: Props) {
  const audit = useAudit(filterOf(search, workspaceId), true)
  const rows = audit.data?.pages.flat()
  const columns = useMemo(() => columnsOf(workspaceId, search), [workspaceId, search])
  if (audit.isError && !rows)
    return (
      <Failed
        what="The audit log could not be loaded"
        error={audit.error}
        retry={() => void audit.refetch()}
      />
    )
  return (
    <>
      <DataTable
        label="Audit records"
        columns={columns}
        rows={rows}
        rowKey={({ sequence }) => String(sequence)}
        empty={
          <Empty icon={<IconClipboardList />} title="No record fits">
            Choose a longer time or fewer conditions. Sign-ins, reveals, rotations and changes of permissions
            are recorded the moment they happen.
          </Empty>
        }
      />
      <Group justify="space-between" mt="sm" mih={36}>
        <Text fz="sm" c="dimmed" role="status">
          {rows &&
            `${rows.length} ${rows.length === 1 ? 'record' : 'records'}${audit.hasNextPage ? ' so far' : ''}`}
        </Text>
        {audit.hasNextPage && (
          <Button
            variant="default"
            size="xs"
            loading={audit.isFetchingNextPage}
            onClick={() => void audit.fetchNextPage()}
          >
            Show older records
          </Button>
        )}
      </Group>
    </>
  )
}

function columnsOf(workspaceId: string | undefined, search: AuditSearch): Column<AuditRecord>[] {
  const toRecord = (sequence: number) => ({ ...search, record: String(sequence) })
  return [
    { id: 'at', header: 'When', cell: ({ at }) => <Time at={at} /> },
    {
      id: 'action',
      header: 'What',
      cell: ({ action, sequence }) => (
        <>
          <Link
            to={workspaceId === undefined ? '/audit' : '/workspaces/$workspaceId/audit'}
            params={{ workspaceId: workspaceId ?? '' }}
            search={toRecord(sequence)}
            resetScroll={false}
            style={{ color: 'inherit', fontWeight: 500 }}
          >
            {ACTIONS[action] ?? action}
          </Link>
          <Text fz="xs" c="dimmed" ff="monospace" visibleFrom="sm">
            {action}
          </Text>
        </>
      ),
    },
    {
      id: 'actor',
      header: 'Who',
      cell: ({ actor }) => (
        <Text fz="sm" miw={110} style={{ overflowWrap: 'anywhere' }}>
          {actor}
        </Text>
      ),
    },
    ...(workspaceId === undefined
      ? [
          {
            id: 'workspace',
            header: 'Workspace',
            wide: true,
            cell: ({ workspaceId: id }: AuditRecord) =>
              id ? (
                <TextLink to="/audit" search={{ ...search, workspace: id }} fz="sm">
                  {id}
                </TextLink>
              ) : null,
          },
        ]
      : []),
    {
      id: 'target',
      header: 'Target',
      wide: true,
      cell: ({ target }) => (
        <Text fz="xs" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
          {target}
        </Text>
      ),
    },
    { id: 'address', header: 'From', wide: true, cell: ({ address }) => address },
  ]
}
