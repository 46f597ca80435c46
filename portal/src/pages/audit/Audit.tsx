import { Stack } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import { useProfile } from '../../api/profile'
import { isAtLeast } from '../../api/role'
import { Empty } from '../../components/Empty'
import { ButtonLink } from '../../components/links'
import { Page } from '../../components/Page'
import { auditRoute, workspaceAuditRoute } from '../../router'
import { Export } from './Export'
import { Filters } from './Filters'
import { RecordDrawer } from './RecordDrawer'
import { Records } from './Records'
import { type AuditSearch, filterOf } from './search'
import { Verification } from './Verification'

/** What happened in one workspace. */
export function WorkspaceAudit() {
  const { workspaceId } = workspaceAuditRoute.useParams()
  const search = workspaceAuditRoute.useSearch()
  const navigate = workspaceAuditRoute.useNavigate()
  return (
    <Log
      title="Audit"
      workspaceId={workspaceId}
      search={search}
      onSearch={(next) => void navigate({ search: next, replace: true, resetScroll: false })}
    />
  )
}

/** What happened in the whole organisation, and whether the log is intact. */
export function OrganisationAudit() {
  const search = auditRoute.useSearch()
  const navigate = auditRoute.useNavigate()
  return (
    <Log
      title="Audit log"
      workspaceId={undefined}
      search={search}
      onSearch={(next) => void navigate({ search: next, replace: true, resetScroll: false })}
    />
  )
}

interface LogProps {
  title: string
  workspaceId: string | undefined
  search: AuditSearch
  onSearch: (search: AuditSearch) => void
}

function Log({ title, workspaceId, search, onSearch }: LogProps) {
  const { role } = useProfile()
  if (!isAtLeast(role, 'Admin'))
    return (
      <Page title={title}>
        <Empty
          icon={<IconLock />}
          title="The audit log is for Admins of the organisation"
          action={isAtLeast(role, 'Manager') && <AskSomebody />}
        >
          Your role in the organisation is {role}. Another Admin of the organisation can give you the role, on
          the page People. A role in a workspace does not suffice: the log tells what people do everywhere.
        </Empty>
      </Page>
    )
  const filter = filterOf(search, workspaceId)
  const record = Number.parseInt(search.record ?? '', 10)
  return (
    <Page
      title={title}
      description={
        workspaceId === undefined
          ? 'Every sign-in, reveal, rotation and change of permissions, in the order in which they happened.'
          : 'Who did what to this workspace, its tokens and its members.'
      }
      actions={<Export filter={filter} />}
    >
      <Stack gap="lg">
        {workspaceId === undefined && <Verification />}
        <Filters search={search} everywhere={workspaceId === undefined} onChange={onSearch} />
        <div>
          <Records workspaceId={workspaceId} search={search} />
        </div>
      </Stack>
      <RecordDrawer
        sequence={Number.isNaN(record) ? undefined : record}
        filter={filter}
        onClose={() => onSearch({ ...search, record: undefined })}
      />
    </Page>
  )
}

function AskSomebody() {
  return (
    <ButtonLink to="/members" variant="default" size="xs" mt="xs">
      See who is Admin
    </ButtonLink>
  )
}
