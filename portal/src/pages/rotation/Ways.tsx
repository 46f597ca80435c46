import { Paper, SimpleGrid, Text } from '@mantine/core'
import { TextLink } from '../../components/links'

/** The two ways to rotate, each in a sentence. */
export function Ways({ workspaceId }: { workspaceId: string }) {
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
      <Way title="The easy way">
        Rotate now, then restart your services, so that they get the new Token 1. Until then they stand still.
      </Way>
      <Way title="Without downtime">
        Give each service Token 2 from{' '}
        <TextLink
          underline="always"
          to="/workspaces/$workspaceId/broker-settings"
          params={{ workspaceId }}
          fz="sm"
        >
          Broker settings
        </TextLink>{' '}
        first and restart it. Rotate when everything below is ticked.
      </Way>
    </SimpleGrid>
  )
}

function Way({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <Paper withBorder p="sm">
      <Text fz="sm" fw={600}>
        {title}
      </Text>
      <Text fz="sm" c="dimmed">
        {children}
      </Text>
    </Paper>
  )
}
