import { Text, Tooltip } from '@mantine/core'
import { ROLES } from '../../api/role'
import type { Member, Role } from '../../api/schema'
import type { Column } from '../../components/DataTable'
import { Time } from '../../components/Time'
import { Person } from './Person'
import { RowMenu } from './RowMenu'

const NAMED = 2

interface Options {
  own: Role
  userId: string
  onChange: (member: Member) => void
  onRemove: (member: Member) => void
}

/** What the list of the organisation's members shows of each. */
export function memberColumns({ own, userId, onChange, onRemove }: Options): Column<Member>[] {
  return [
    {
      id: 'person',
      header: 'Person',
      sortBy: (member) => (member.name ?? member.email).toLowerCase(),
      cell: (member) => <Person name={member.name} email={member.email} you={member.userId === userId} />,
    },
    {
      id: 'role',
      header: 'Role',
      sortBy: (member) => ROLES.indexOf(member.role),
      cell: (member) => member.role,
    },
    {
      id: 'narrower',
      header: 'Other roles in workspaces',
      wide: true,
      sortBy: (member) => member.workspaces.length,
      cell: (member) => <Narrower member={member} />,
    },
    {
      id: 'since',
      header: 'Since',
      wide: true,
      sortBy: (member) => member.createdAt,
      cell: (member) => <Time at={member.createdAt} />,
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
          remove={{ words: 'Remove the account…', onClick: () => onRemove(member) }}
        />
      ),
    },
  ]
}

function Narrower({ member }: { member: Member }) {
  const texts = member.workspaces.map(({ workspaceId, role }) => `${workspaceId}: ${role}`)
  if (texts.length === 0)
    return (
      <Text span inherit c="dimmed">
        none
      </Text>
    )
  const more = texts.length - NAMED
  return (
    <Text fz="sm" component="div" maw={320} style={{ overflowWrap: 'anywhere' }}>
      {texts.slice(0, NAMED).map((text) => (
        <div key={text}>{text}</div>
      ))}
      {more > 0 && (
        <Tooltip label={texts.slice(NAMED, 30).join(', ') + (texts.length > 30 ? ', …' : '')}>
          {/* Takes the focus, so that the keyboard reaches what the tooltip says. */}
          <Text span fz="xs" c="dimmed" tabIndex={0}>
            and {more} more
          </Text>
        </Tooltip>
      )}
    </Text>
  )
}
