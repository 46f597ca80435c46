import { Badge, Button, Group, UnstyledButton } from '@mantine/core'
import { IconSend } from '@tabler/icons-react'
import { useState } from 'react'
import type { Delivery, DeliveryState } from '../../api/schema'
import { useDeliveries } from '../../api/webhooks'
import { type Column, DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Failed } from '../../components/Failed'
import { Section } from '../../components/Section'
import { Time } from '../../components/Time'
import { DeliveryDrawer } from './DeliveryDrawer'
import { LastAnswer } from './LastAnswer'

const STATES: Record<DeliveryState, { label: string; color: string }> = {
  pending: { label: 'Waits', color: 'yellow' },
  delivered: { label: 'Delivered', color: 'teal' },
  failed: { label: 'Given up', color: 'red' },
}

/** What was sent to a webhook, what waits, what failed and why. */
export function Deliveries({ workspaceId, webhookId }: { workspaceId: string; webhookId: string }) {
  const deliveries = useDeliveries(workspaceId, webhookId)
  const [opened, setOpened] = useState<string>()
  const rows = deliveries.data?.pages.flat()
  const columns: Column<Delivery>[] = [
    {
      id: 'event',
      header: 'Event',
      cell: ({ id, event }) => (
        <UnstyledButton onClick={() => setOpened(id)} td="underline" fz="sm" fw={500}>
          {event}
        </UnstyledButton>
      ),
    },
    { id: 'at', header: 'When', width: 150, cell: ({ createdAt }) => <Time at={createdAt} /> },
    {
      id: 'state',
      header: 'State',
      width: 120,
      cell: ({ state }) => (
        <Badge variant="light" tt="none" miw="max-content" color={STATES[state].color}>
          {STATES[state].label}
        </Badge>
      ),
    },
    { id: 'attempts', header: 'Attempts', align: 'right', wide: true, cell: ({ attempts }) => attempts },
    {
      id: 'answer',
      header: 'Last answer',
      wide: true,
      cell: (delivery) => <LastAnswer delivery={delivery} />,
    },
  ]
  return (
    <Section
      title="Deliveries"
      description="The newest first. What fails is tried again for three days, after longer and longer pauses."
    >
      {deliveries.isError && !rows ? (
        <Failed
          what="The deliveries could not be loaded"
          error={deliveries.error}
          retry={() => void deliveries.refetch()}
        />
      ) : (
        <DataTable
          label="Deliveries"
          columns={columns}
          rows={rows}
          rowKey={({ id }) => id}
          empty={
            <Empty icon={<IconSend />} title="Nothing was sent yet">
              Send a test to see whether the receiver takes it.
            </Empty>
          }
        />
      )}
      {deliveries.hasNextPage && (
        <Group justify="flex-end" mt="sm">
          <Button
            variant="default"
            size="xs"
            loading={deliveries.isFetchingNextPage}
            onClick={() => void deliveries.fetchNextPage()}
          >
            Show older deliveries
          </Button>
        </Group>
      )}
      <DeliveryDrawer
        workspaceId={workspaceId}
        webhookId={webhookId}
        delivery={rows?.find(({ id }) => id === opened)}
        onClose={() => setOpened(undefined)}
      />
    </Section>
  )
}
