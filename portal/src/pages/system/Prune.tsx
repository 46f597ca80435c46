import { Alert, Button, Checkbox, Group, Modal, ScrollArea, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { usePrune } from '../../api/system'
import { Refused } from '../../components/Refused'

/** Names on the cluster that have no rights: harmless, and deleting them is a risk that is told before. */
export function Prune({ names }: { names: string[] }) {
  const [opened, setOpened] = useState(false)
  const [knows, setKnows] = useState(false)
  const prune = usePrune()
  const close = () => {
    if (prune.isPending) return
    setOpened(false)
    setKnows(false)
    prune.reset()
  }
  return (
    <Alert
      color="gray"
      title={`${names.length === 1000 ? 'At least 1000' : names.length} names without rights`}
    >
      <Text fz="sm">
        They belonged to dead tokens and harm nobody. Deleting them is never needed, and it can lock everybody
        out of a cluster.
      </Text>
      <Button variant="default" size="xs" mt="sm" onClick={() => setOpened(true)}>
        Look at them…
      </Button>
      <Modal opened={opened} onClose={close} title="Names without rights" size={560}>
        <Stack gap="md">
          <ScrollArea.Autosize mah={180} type="auto" viewportProps={{ tabIndex: 0 }}>
            <Text fz="xs" ff="monospace" style={{ whiteSpace: 'pre-line' }}>
              {names.join('\n')}
            </Text>
          </ScrollArea.Autosize>
          <Alert color="red" title="The risk">
            Kafka 3.9 to 4.3 may forget all credentials of a mechanism at the next restart of a broker after
            one was deleted: then nobody signs in any more, Twinkey included.
          </Alert>
          <Checkbox
            color="red"
            label="I know the risk, and delete these names"
            checked={knows}
            onChange={(event) => setKnows(event.currentTarget.checked)}
          />
          <Refused error={prune.error} />
          {prune.data && <Text role="status">{prune.data.names.length} names are gone.</Text>}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close} data-autofocus>
              {prune.data ? 'Done' : 'Leave them'}
            </Button>
            {!prune.data && (
              <Button
                color="red"
                disabled={!knows}
                loading={prune.isPending}
                onClick={() => prune.mutate({ body: { iKnowTheRisk: true } })}
              >
                Delete the names
              </Button>
            )}
          </Group>
        </Stack>
      </Modal>
    </Alert>
  )
}
