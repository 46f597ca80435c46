import { Alert, Button } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconLayoutGrid, IconPlus, IconSearch } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useProfile } from '../../api/profile'
import type { DeletedWorkspace, WorkspaceOverview } from '../../api/schema'
import { useWorkspacesOverview } from '../../api/workspaces'
import { DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Failed } from '../../components/Failed'
import { Page } from '../../components/Page'
import { RoleButton } from '../../components/RoleButton'
import { CreateWorkspace } from './CreateWorkspace'
import { columns } from './columns'
import { DeleteWorkspace } from './DeleteWorkspace'
import { Filters, matching } from './Filters'
import { RenameWorkspace } from './RenameWorkspace'

type Act = 'create' | 'rename' | 'delete'

/** All workspaces that one may see, with what needs attention. */
export function Workspaces() {
  const { role } = useProfile()
  const overview = useWorkspacesOverview()
  const { filter = '', show } = useSearch({ from: '/shell/workspaces' })
  const [act, setAct] = useState<{ act: Act; workspace?: WorkspaceOverview }>()
  const [waiting, setWaiting] = useState<DeletedWorkspace[]>([])
  const all = overview.data
  const rows = useMemo(() => matching(all, filter, show), [all, filter, show])
  const cells = useMemo(() => columns((act, workspace) => setAct({ act, workspace })), [])
  const close = () => setAct(undefined)
  const of = (wanted: Act) => (act?.act === wanted ? act.workspace : undefined)
  const deleted = (answer: DeletedWorkspace) => {
    if (answer.state === 'deleting') setWaiting((before) => [...before, answer])
    else notifications.show({ message: `The workspace ${answer.workspaceId} is deleted.`, color: 'teal' })
  }
  const create = (
    <RoleButton
      own={role}
      needs="Manager"
      where="in the organisation"
      leftSection={<IconPlus size={16} aria-hidden />}
      onClick={() => setAct({ act: 'create' })}
    >
      Create a workspace
    </RoleButton>
  )
  return (
    <Page
      title="Workspaces"
      description="A workspace has topics of its own and two SDK tokens, which open them and nothing else."
      actions={create}
    >
      {waiting
        // Gone from the list: it is over.
        .filter(({ workspaceId }) => all?.some((workspace) => workspace.workspaceId === workspaceId))
        .map((answer) => (
          <Alert
            key={answer.workspaceId}
            color="yellow"
            mb="md"
            title={`The deletion of ${answer.workspaceId} goes on in the background`}
          >
            Its tokens are dead. The rest waits{answer.waitingFor ? `: ${answer.waitingFor}` : ''}. Nothing
            more is to be done; it leaves the list when it is gone.
          </Alert>
        ))}
      {overview.error && all === undefined ? (
        <Failed
          what="The workspaces could not be loaded"
          error={overview.error}
          retry={() => void overview.refetch()}
        />
      ) : (
        <>
          <Filters all={all} shown={rows?.length} filter={filter} show={show} />
          <DataTable
            label="List of workspaces"
            columns={cells}
            rows={rows}
            rowKey={(workspace) => workspace.workspaceId}
            initialSort={{ column: 'name' }}
            empty={all?.length === 0 ? <None create={create} /> : <NoneMatches />}
          />
        </>
      )}
      <CreateWorkspace
        opened={act?.act === 'create'}
        onClose={close}
        taken={all?.map((workspace) => workspace.workspaceId) ?? []}
      />
      <RenameWorkspace workspace={of('rename')} onClose={close} />
      <DeleteWorkspace workspace={of('delete')} onClose={close} onDeleted={deleted} />
    </Page>
  )
}

function None({ create }: { create: React.ReactNode }) {
  return (
    <Empty icon={<IconLayoutGrid />} title="No workspace yet" action={create}>
      You see none, because there is none or because nobody gave you a role in one. A manager of the
      organisation can do both.
    </Empty>
  )
}

function NoneMatches() {
  const navigate = useNavigate({ from: '/workspaces' })
  return (
    <Empty
      icon={<IconSearch />}
      title="No workspace matches"
      action={
        <Button variant="default" size="xs" onClick={() => void navigate({ search: {}, replace: true })}>
          Show all
        </Button>
      }
    />
  )
}
