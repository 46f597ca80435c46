import { Text, Tooltip } from '@mantine/core'
import { IconCircleCheck, IconHelpCircle, IconPlugConnected } from '@tabler/icons-react'
import type { WorkspaceOverview } from '../../api/schema'
import { TextLink } from '../../components/links'
import classes from './Workspaces.module.css'

/** Whether Token 1 may be rotated away, and the way to who uses it. */
export function Verdict({ workspace }: { workspace: WorkspaceOverview }) {
  if (workspace.status !== 'Ready')
    return (
      <Text span inherit c="dimmed">
        –
      </Text>
    )
  const clients = workspace.clientsOfToken1
  const [icon, text, why] =
    workspace.safeToRotate === true
      ? [
          <IconCircleCheck key="i" size={16} aria-hidden />,
          'Safe',
          'Nobody uses Token 1: a rotation cuts nobody off.',
        ]
      : workspace.safeToRotate === false
        ? [
            <IconPlugConnected key="i" size={16} aria-hidden />,
            <span key="t">
              <Text span inherit visibleFrom="sm">
                In use by{' '}
              </Text>
              {clients === 1 ? '1 client' : `${clients.toLocaleString()} clients`}
            </span>,
            'Token 1 is in use: whoever uses it would be cut off. Move them to Token 2 first.',
          ]
        : [
            <IconHelpCircle key="i" size={16} aria-hidden />,
            'Look',
            'Apache Kafka has to be asked for it; the page about the usage does that.',
          ]
  return (
    <Tooltip label={why}>
      <TextLink
        to="/workspaces/$workspaceId/usage"
        params={{ workspaceId: workspace.workspaceId }}
        className={classes.verdict}
        data-safe={workspace.safeToRotate}
        fz="sm"
      >
        {icon}
        {text}
      </TextLink>
    </Tooltip>
  )
}

/** Uses of dead tokens, which somebody has to look at. */
export function DeadUses({ workspace }: { workspace: WorkspaceOverview }) {
  const uses = workspace.deadTokenUses
  if (uses === 0)
    return (
      <Text span inherit c="dimmed">
        none
      </Text>
    )
  return (
    <Tooltip label="So often was a token that is rotated out tried here in the last 24 hours. Who it was stands on the page about the usage.">
      <TextLink
        to="/workspaces/$workspaceId/usage"
        params={{ workspaceId: workspace.workspaceId }}
        className={classes.alarm}
        fz="sm"
      >
        {uses.toLocaleString()}
      </TextLink>
    </Tooltip>
  )
}
