import { Button, Menu, Text } from '@mantine/core'
import { IconChevronDown } from '@tabler/icons-react'
import { useParams } from '@tanstack/react-router'
import { useWorkspace, useWorkspaces } from '../api/workspaces'
import { MenuLink } from '../components/links'

const SHOWN = 12

/** The workspace that is open, and the way to another one. */
export function WorkspaceSwitcher() {
  const { workspaceId } = useParams({ strict: false })
  return workspaceId === undefined ? null : <Switcher workspaceId={workspaceId} />
}

function Switcher({ workspaceId }: { workspaceId: string }) {
  const name = useWorkspace(workspaceId).data?.name ?? workspaceId
  return (
    <Menu position="bottom-start" width={260}>
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          c="var(--mantine-color-text)"
          rightSection={<IconChevronDown size={14} aria-hidden />}
          px="xs"
          miw={0}
          aria-label={`Workspace ${name}; choose another one`}
        >
          <Text span truncate maw={{ base: 120, sm: 280 }} fw={600} fz="sm">
            {name}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Workspaces</Menu.Label>
        <Others />
        <Menu.Divider />
        <MenuLink to="/workspaces">All workspaces</MenuLink>
      </Menu.Dropdown>
    </Menu>
  )
}

/** Asked for when the menu opens, not on each page. */
function Others() {
  return useWorkspaces()
    .data?.slice(0, SHOWN)
    .map((workspace) => (
      <MenuLink
        key={workspace.workspaceId}
        to="/workspaces/$workspaceId/topics"
        params={{ workspaceId: workspace.workspaceId }}
      >
        <Text fz="sm" truncate>
          {workspace.name}
        </Text>
        {workspace.name !== workspace.workspaceId && (
          <Text fz="xs" c="dimmed" truncate>
            {workspace.workspaceId}
          </Text>
        )}
      </MenuLink>
    ))
}
