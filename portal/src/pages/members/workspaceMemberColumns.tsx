import { Text } from '@mantine/core'
import { ROLES } from '../../api/role'
import type { Role, WorkspaceMember } from '../../api/schema'
import type { Column } from '../../components/DataTable'
import { Person } from './Person'
import { RowMenu } from './RowMenu'

interface Options {
  own: Role
  userId: string
  onChange: (member: WorkspaceMember) => void
  onRemove: (member: WorkspaceMember) => void
}

/** What the list of a workspace's members shows of each. */
export function workspaceMemberColumns({
  own,
  userId,
  onChange,
  onRemove,
}: Options): Column<WorkspaceMember>[] {
  return [
    {
      id: 'person',
      header: 'Person',
      sortBy: (member) => (member.name ?? member.email).toLowerCase(),
      cell: (member) => <Person name={member.name} email={member.email} you={member.userId === userId} />,
    },
    {
      id: 'role',
      header: 'Role here',
      sortBy: (member) => ROLES.indexOf(member.role),
      cell: (member) => (
        <>
          {member.role === 'None' ? 'None: kept out' : member.role}
          <Text fz="xs" c="dimmed" hiddenFrom="sm">
            {origin(member)}
          </Text>
        </>
      ),
    },
    {
      id: 'from',
      header: 'Where it comes from',
      wide: true,
      sortBy: origin,
      cell: (member) => (
        <Text fz="sm" c="dimmed">
          {origin(member)}
        </Text>
      ),
    },
    {
      id: 'menu',
      header: '',
      align: 'right',
      width: 52,
      cell: (member) => (
        <RowMenu
          who={member.name ?? member.email}
          own={own}
          role={member.role}
          onChange={() => onChange(member)}
          {...(member.workspaceRole && {
            remove: { words: 'Take the role given here…', onClick: () => onRemove(member) },
          })}
        />
      ),
    },
  ]
}

function origin({ workspaceRole, organisationRole }: WorkspaceMember): string {
  return workspaceRole ? `given here; in the organisation ${organisationRole}` : 'from the organisation'
}
