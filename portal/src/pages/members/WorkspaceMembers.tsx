import { Skeleton, Stack } from '@mantine/core'
import { IconUserPlus } from '@tabler/icons-react'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useRemoveMember, useWorkspaceMembers } from '../../api/members'
import { useProfile } from '../../api/profile'
import { isAtLeast } from '../../api/role'
import type { Role, WorkspaceMember } from '../../api/schema'
import { useWorkspace } from '../../api/workspaces'
import { ConfirmDialog } from '../../components/ConfirmDialog'
import { DataTable } from '../../components/DataTable'
import { Failed } from '../../components/Failed'
import { Page } from '../../components/Page'
import { RoleButton } from '../../components/RoleButton'
import { ChangeRole } from './ChangeRole'
import { Filter, NobodyMatches, useFiltered } from './Filter'
import { Invitations } from './Invitations'
import { Invite } from './Invite'
import { OnlyManagers } from './OnlyManagers'
import { workspaceMemberColumns } from './workspaceMemberColumns'

/** Who has access to a workspace, and who is invited into it. */
export function WorkspaceMembers() {
  const { workspaceId } = useParams({ from: '/shell/workspaces/$workspaceId/members' })
  const workspace = useWorkspace(workspaceId)
  const own = workspace.data?.role
  const [inviting, setInviting] = useState(false)
  return (
    <Page
      title="Members"
      description="A role that is given here wins over the role in the organisation, upwards and downwards: the narrower one counts."
      actions={
        <RoleButton
          own={own}
          needs="Manager"
          leftSection={<IconUserPlus size={16} aria-hidden />}
          onClick={() => setInviting(true)}
        >
          Invite somebody
        </RoleButton>
      }
    >
      {workspace.error && !workspace.data ? (
        <Failed
          what="Your role here could not be looked up"
          error={workspace.error}
          retry={() => void workspace.refetch()}
        />
      ) : own === undefined ? (
        <Skeleton height={240} />
      ) : isAtLeast(own, 'Manager') ? (
        <Stack gap={40}>
          <List workspaceId={workspaceId} own={own} />
          <Invitations workspaceId={workspaceId} own={own} />
          <Invite opened={inviting} onClose={() => setInviting(false)} workspaceId={workspaceId} own={own} />
        </Stack>
      ) : (
        <OnlyManagers own={own} where="in this workspace" />
      )}
    </Page>
  )
}

function List({ workspaceId, own }: { workspaceId: string; own: Role }) {
  const { userId } = useProfile()
  const members = useWorkspaceMembers(workspaceId, true)
  const remove = useRemoveMember(workspaceId)
  const [changing, setChanging] = useState<WorkspaceMember>()
  const [removing, setRemoving] = useState<WorkspaceMember>()
  const { filter, setFilter, rows } = useFiltered(members.data)
  if (members.error && !members.data)
    return (
      <Failed
        what="The members could not be loaded"
        error={members.error}
        retry={() => void members.refetch()}
      />
    )
  const who = removing?.name ?? removing?.email
  return (
    <div>
      <Filter value={filter} onChange={setFilter} all={members.data?.length} shown={rows?.length} />
      <DataTable
        label="Members of the workspace"
        columns={workspaceMemberColumns({ own, userId, onChange: setChanging, onRemove: setRemoving })}
        rows={rows}
        rowKey={(member) => member.userId}
        initialSort={{ column: 'person' }}
        empty={<NobodyMatches />}
      />
      <ChangeRole
        subject={changing}
        workspaceId={workspaceId}
        own={own}
        you={changing?.userId === userId}
        onClose={() => setChanging(undefined)}
      />
      <ConfirmDialog
        opened={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title={`Take the role of ${who ?? ''} here`}
        action="Take the role"
        onConfirm={() => remove.mutateAsync(removing?.userId ?? '')}
      >
        {who} has the role {removing?.workspaceRole} because it was given in this workspace. Without it the
        role in the organisation counts again: {removing?.organisationRole}
        {removing?.organisationRole === 'None' ? ', which means no access to this workspace.' : '.'}
      </ConfirmDialog>
    </div>
  )
}
