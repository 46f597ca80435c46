import { Menu } from '@mantine/core'
import { IconActivity, IconKey, IconPencil, IconTrash } from '@tabler/icons-react'
import type { WorkspaceOverview } from '../../api/schema'
import { ActionsMenu } from '../../components/ActionsMenu'
import { MenuLink } from '../../components/links'
import { RoleMenuItem } from '../../components/RoleButton'

interface Props {
  workspace: WorkspaceOverview
  onAct: (act: 'rename' | 'delete') => void
}

/** What can be done with one workspace. */
export function WorkspaceMenu({ workspace, onAct }: Props) {
  const { workspaceId, status, role } = workspace
  const params = { workspaceId }
  const because = status === 'Ready' ? undefined : 'Not before the workspace is ready.'
  return (
    <ActionsMenu of={`the workspace ${workspace.name}`}>
      {status === 'Ready' && (
        <>
          <MenuLink
            to="/workspaces/$workspaceId/broker-settings"
            params={params}
            leftSection={<IconKey size={16} />}
          >
            Broker settings and tokens
          </MenuLink>
          <MenuLink
            to="/workspaces/$workspaceId/usage"
            params={params}
            leftSection={<IconActivity size={16} />}
          >
            Token usage
          </MenuLink>
          <Menu.Divider />
        </>
      )}
      <RoleMenuItem
        own={role}
        needs="Manager"
        because={because}
        leftSection={<IconPencil size={16} />}
        onClick={() => onAct('rename')}
      >
        Rename
      </RoleMenuItem>
      <RoleMenuItem
        own={role}
        needs="Manager"
        because={status === 'Deleting' ? 'It is being deleted already.' : because}
        c="red"
        leftSection={<IconTrash size={16} />}
        onClick={() => onAct('delete')}
      >
        Delete…
      </RoleMenuItem>
    </ActionsMenu>
  )
}
