import { Alert, Group, Text } from '@mantine/core'
import { IconPlugConnectedX } from '@tabler/icons-react'
import { Outlet, useParams } from '@tanstack/react-router'
import type { LiveState } from '../api/eventStream'
import { useWorkspaceEvents } from '../api/events'

/** Everything below one workspace. */
export function Workspace() {
  const { workspaceId } = useParams({ from: '/shell/workspaces/$workspaceId' })
  const live = useWorkspaceEvents(workspaceId)
  return (
    <>
      <LiveNotice live={live} />
      <Outlet />
    </>
  )
}

/** Says that the page may be behind, and nothing while it is not. */
function LiveNotice({ live }: { live: LiveState }) {
  if (live.kind === 'live' || live.kind === 'connecting') return <div role="status" />
  if (live.kind === 'ended')
    return (
      <Alert color="yellow" icon={<IconPlugConnectedX aria-hidden />} mb="lg" role="status">
        {live.message}
      </Alert>
    )
  return (
    <Group role="status" gap={6} mb="md" c="dimmed" wrap="nowrap">
      <IconPlugConnectedX size={16} aria-hidden />
      <Text fz="sm">Live updates are interrupted; trying again. What is shown may be some seconds old.</Text>
    </Group>
  )
}
