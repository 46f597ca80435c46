import { Badge, Box, Text } from '@mantine/core'
import { ROLES } from '../../api/role'
import type { WorkspaceOverview } from '../../api/schema'
import type { Column } from '../../components/DataTable'
import { TextLink } from '../../components/links'
import { Time } from '../../components/Time'
import { DeadUses, Verdict } from './Verdict'
import { WorkspaceMenu } from './WorkspaceMenu'
import classes from './Workspaces.module.css'

const STATES: Record<string, string> = { Creating: 'Being made', Deleting: 'Being deleted' }

/** What the list shows of each workspace. `onAct` opens the dialogs. */
export function columns(onAct: (act: 'rename' | 'delete', workspace: WorkspaceOverview) => void) {
  const all: Column<WorkspaceOverview>[] = [
    {
      id: 'name',
      header: 'Workspace',
      sortBy: (workspace) => workspace.name.toLowerCase(),
      cell: (workspace) => <Name workspace={workspace} />,
    },
    {
      id: 'role',
      header: 'Your role',
      wide: true,
      sortBy: (workspace) => ROLES.indexOf(workspace.role),
      cell: (workspace) => workspace.role,
    },
    {
      id: 'generation',
      header: 'Generation',
      align: 'right',
      wide: true,
      sortBy: (workspace) => workspace.generation,
      cell: (workspace) => workspace.generation,
    },
    {
      id: 'rotated',
      header: 'Last rotation',
      wide: true,
      sortBy: (workspace) => workspace.rotatedAt,
      cell: (workspace) => <Time at={workspace.rotatedAt} />,
    },
    {
      id: 'verdict',
      header: 'Safe to rotate',
      sortBy: (workspace) => (workspace.safeToRotate === true ? 0 : 1 + workspace.clientsOfToken1),
      cell: (workspace) => <Verdict workspace={workspace} />,
    },
    {
      id: 'dead',
      header: 'Dead tokens tried',
      align: 'right',
      wide: true,
      sortBy: (workspace) => workspace.deadTokenUses,
      cell: (workspace) => <DeadUses workspace={workspace} />,
    },
    {
      id: 'menu',
      header: '',
      align: 'right',
      width: 52,
      cell: (workspace) => <WorkspaceMenu workspace={workspace} onAct={(act) => onAct(act, workspace)} />,
    },
  ]
  return all
}

function Name({ workspace }: { workspace: WorkspaceOverview }) {
  const { workspaceId, name, status } = workspace
  const state = STATES[status]
  return (
    <Box className={classes.name}>
      {status === 'Deleting' ? (
        <Text span fz="sm" c="dimmed">
          {name}
        </Text>
      ) : (
        <TextLink to="/workspaces/$workspaceId/topics" params={{ workspaceId }} fz="sm" fw={500}>
          {name}
        </TextLink>
      )}
      {state && (
        <Badge ml="xs" variant="light" color={status === 'Deleting' ? 'red' : 'blue'} tt="none" fw={500}>
          {state}
        </Badge>
      )}
      {name !== workspaceId && (
        <Text fz="xs" c="dimmed">
          {workspaceId}
        </Text>
      )}
      {workspace.deadTokenUses > 0 && (
        <Text fz="xs" hiddenFrom="sm">
          Dead tokens tried: <DeadUses workspace={workspace} />
        </Text>
      )}
    </Box>
  )
}
