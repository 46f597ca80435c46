import { Text } from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'
import type { ConsumerGroup, Role } from '../../api/schema'
import { ActionsMenu } from '../../components/ActionsMenu'
import type { Column } from '../../components/DataTable'
import { TextLink } from '../../components/links'
import { RoleMenuItem } from '../../components/RoleButton'
import { GroupState } from './GroupState'
import { count } from './numbers'

/** The columns of the list of consumer groups. */
export function groupColumns(
  workspaceId: string,
  role: Role | undefined,
  onDelete: (group: ConsumerGroup) => void,
): Column<ConsumerGroup>[] {
  return [
    {
      id: 'name',
      header: 'Group',
      sortBy: ({ name }) => name,
      cell: ({ name }) => (
        <TextLink
          to="/workspaces/$workspaceId/groups"
          params={{ workspaceId }}
          search={{ group: name }}
          resetScroll={false}
          fz="sm"
          fw={500}
          truncate
          display="block"
          maw={{ base: 150, sm: 420 }}
          title={name}
        >
          {name}
        </TextLink>
      ),
    },
    {
      id: 'state',
      header: 'State',
      sortBy: ({ state }) => state,
      cell: ({ state }) => <GroupState state={state} />,
    },
    {
      id: 'members',
      header: 'Members',
      sortBy: ({ members }) => members.length,
      align: 'right',
      wide: true,
      cell: ({ members }) => count(members.length),
    },
    {
      id: 'topics',
      header: 'Topics',
      sortBy: ({ topics }) => topics.length,
      align: 'right',
      wide: true,
      cell: ({ topics }) => count(topics.length),
    },
    {
      id: 'lag',
      header: 'Lag',
      sortBy: ({ lag }) => lag,
      align: 'right',
      cell: ({ lag }) => (
        <Text span inherit c={lag ? undefined : 'dimmed'}>
          {count(lag)}
        </Text>
      ),
    },
    {
      id: 'actions',
      header: '',
      width: 48,
      align: 'right',
      cell: (group) => (
        <ActionsMenu of={`the group ${group.name}`}>
          <RoleMenuItem
            own={role}
            needs="Editor"
            because={group.members.length > 0 ? 'Not while somebody is in it.' : null}
            color="red"
            leftSection={<IconTrash size={16} />}
            onClick={() => onDelete(group)}
          >
            Delete…
          </RoleMenuItem>
        </ActionsMenu>
      ),
    },
  ]
}
