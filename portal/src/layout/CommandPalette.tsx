import '@mantine/spotlight/styles.css'
import { Spotlight, type SpotlightActionData, spotlight } from '@mantine/spotlight'
import { IconLayoutGrid, IconSearch, IconUserCircle } from '@tabler/icons-react'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useEffect } from 'react'
import { useProfile } from '../api/profile'
import { isAtLeast } from '../api/role'
import { useWorkspaces } from '../api/workspaces'
import { ORGANISATION_PAGES, WORKSPACE_PAGES } from './pages'

/** Every page and workspace by its name. It is fetched when it is first wanted, and opens then. */
export default function CommandPalette({ opened }: { opened: number }) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: it opens anew each time that the button is pressed
  useEffect(() => spotlight.open(), [opened])
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
