import { Drawer, Stack, Table, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { fetchWhole, type Source, WHOLE } from '../../../api/messages'
import type { Message } from '../../../api/schema'
import { Fact, Facts } from '../../../components/Facts'
import { Failed } from '../../../components/Failed'
import { bytes, count } from '../numbers'
import { ContentView } from './ContentView'
import { preview } from './content'
import { MessageTime } from './MessageTime'

interface Props {
  source: Source
  message: Message | undefined
  onClose: () => void
}

/** Everything about one message. */
export function MessageDrawer({ source, message, onClose }: Props) {
  return (
    <Drawer
      opened={message !== undefined}
      onClose={onClose}
      position="right"
      size="xl"
      title={message ? `Partition ${message.partition}, offset ${message.offset}` : 'Message'}
      styles={{ title: { fontWeight: 600 } }}
    >
      {message && (
        <Details key={`${message.partition} ${message.offset}`} source={source} message={message} />
      )}
    </Drawer>
  )
}

function Details({ source, message }: { source: Source; message: Message }) {
  const whole = useMutation({ gcTime: 0, mutationFn: () => fetchWhole(source, message) })
  const shown = whole.data ?? message
  // What is still cut off now is longer than the server gives.
  const more = whole.data === undefined ? { onWhole: () => whole.mutate(), pending: whole.isPending } : {}
  return (
    <Stack gap="lg">
      <Facts>
        <Fact label="Time">
          <MessageTime at={shown.timestamp} />
          <Text span fz="xs" c="dimmed" ml="xs">
            {shown.timestampType === 'LogAppendTime' ? 'by the broker’s clock' : 'by the producer’s clock'}
          </Text>
        </Fact>
        <Fact label="Size">{bytes(shown.size)}</Fact>
      </Facts>
      {whole.error && <Failed what="The whole message could not be loaded" error={whole.error} />}
      {whole.data && [whole.data.key, whole.data.value].some((content) => content?.truncated) && (
        <Text fz="sm" c="dimmed">
          The portal shows the first {bytes(WHOLE)} of a value. The command line has all of it: twinkey
          consume.
        </Text>
      )}
      <ContentView label="Key" content={shown.key} none="No key" {...more} />
      <ContentView
        label="Value"
        content={shown.value}
        none="No value. On a compacted topic this deletes the key."
        {...more}
      />
      <Headers message={shown} />
    </Stack>
  )
}

function Headers({ message: { headers, headersLeftOut = 0 } }: { message: Message }) {
  return (
    <section aria-label="Headers">
      <Text fw={600} fz="sm" mb={4}>
        Headers
      </Text>
      {headers.length === 0 ? (
        <Text fz="sm" c="dimmed">
          None
        </Text>
      ) : (
        <Table fz="sm" layout="fixed" verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w="35%" fz="xs" c="dimmed">
                Name
              </Table.Th>
              <Table.Th fz="xs" c="dimmed">
                Value
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {headers.map(({ name, value }, index) => (
              // A name may come more than once; their order never changes.
              // biome-ignore lint/suspicious/noArrayIndexKey: the order never changes
              <Table.Tr key={index}>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>{name}</Table.Td>
                <Table.Td ff="monospace" fz="xs" style={{ overflowWrap: 'anywhere' }}>
                  {value == null ? 'null' : `${preview(value)}${value.truncated ? '…' : ''}`}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {headersLeftOut > 0 && (
        <Text fz="xs" c="dimmed">
          {count(headersLeftOut)} more are not shown.
        </Text>
      )}
    </section>
  )
}
