import { Button, Kbd, Text } from '@mantine/core'
import { Spotlight, type SpotlightActionData, spotlight } from '@mantine/spotlight'
import { IconLayoutGrid, IconSearch, IconUserCircle } from '@tabler/icons-react'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useProfile } from '../api/profile'
import { isAtLeast } from '../api/role'
import { useWorkspaces } from '../api/workspaces'
import { ORGANISATION_PAGES, WORKSPACE_PAGES } from './pages'

/** Opens the palette, for those who do not know the keys. */
export function PaletteButton() {
  return (
    <Button
      variant="default"
      size="xs"
      fw={400}
      c="dimmed"
      leftSection={<IconSearch size={14} aria-hidden />}
      rightSection={
        <Text span visibleFrom="sm" fz="xs">
          <Kbd size="xs">Ctrl</Kbd> <Kbd size="xs">K</Kbd>
        </Text>
      }
      onClick={spotlight.open}
    >
      Go to…
    </Button>
  )
}

/** Every page and workspace by its name: Ctrl or ⌘ with K. */
export function CommandPalette() {
  const navigate = useNavigate()
  const { workspaceId } = useParams({ strict: false })
  const role = useProfile().role
  const workspaces = useWorkspaces().data ?? []
  const here: SpotlightActionData[] = workspaceId
    ? [
        ...WORKSPACE_PAGES.map(({ label, icon: Icon, to }) => ({
          id: to,
          label,
          description: workspaceId,
          leftSection: <Icon size={18} aria-hidden />,
          onClick: () => void navigate({ to, params: { workspaceId } }),
        })),
        {
          id: 'broker-settings',
          label: 'Broker settings: tokens and how to connect',
          description: workspaceId,
          keywords: 'token sdk reveal rotate connection credentials',
          leftSection: <IconSearch size={18} aria-hidden />,
          onClick: () =>
            void navigate({ to: '/workspaces/$workspaceId/broker-settings', params: { workspaceId } }),
        },
      ]
    : []
  const everywhere: SpotlightActionData[] = [
    ...ORGANISATION_PAGES.filter((page) => isAtLeast(role, page.role)).map(({ label, icon: Icon, to }) => ({
      id: to,
      label,
      leftSection: <Icon size={18} aria-hidden />,
      onClick: () => void navigate({ to }),
    })),
    {
      id: '/profile',
      label: 'Profile, sessions, access tokens',
      leftSection: <IconUserCircle size={18} aria-hidden />,
      onClick: () => void navigate({ to: '/profile' }),
    },
  ]
  const others: SpotlightActionData[] = workspaces.map((workspace) => ({
    id: `workspace ${workspace.workspaceId}`,
    label: workspace.name,
    description: `Workspace ${workspace.workspaceId}`,
    leftSection: <IconLayoutGrid size={18} aria-hidden />,
    onClick: () =>
      void navigate({
        to: '/workspaces/$workspaceId/topics',
        params: { workspaceId: workspace.workspaceId },
      }),
  }))
  return (
    <Spotlight
      actions={[...here, ...everywhere, ...others]}
      shortcut={['mod + K']}
      limit={12}
      scrollable
      nothingFound="Nothing has that name"
      searchProps={{
        leftSection: <IconSearch size={18} aria-hidden />,
        placeholder: 'A page or a workspace',
      }}
    />
  )
}
