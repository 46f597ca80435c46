import { Code, Drawer, Skeleton, Stack, Table, Text, Title } from '@mantine/core'
import { IconClipboardOff } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { type AuditFilter, useAuditRecord } from '../../api/audit'
import type { AuditRecord } from '../../api/schema'
import { Copy } from '../../components/Copy'
import { Empty } from '../../components/Empty'
import { Fact, Facts } from '../../components/Facts'
import { Failed } from '../../components/Failed'
import { Time } from '../../components/Time'
import { Sentence } from '../rotation/Verdict'
import { ACTIONS } from './actions'
import { type Line, read } from './difference'

interface Props {
  /** The record's number; nothing: closed. */
  sequence: number | undefined
  filter: AuditFilter
  onClose: () => void
}

/** One record with everything that it holds. */
export function RecordDrawer({ sequence, filter, onClose }: Props) {
  const queryClient = useQueryClient()
  const pages = queryClient.getQueryData<{ pages: AuditRecord[][] }>(['audit', filter])?.pages
  const known = pages?.flat().find((each) => each.sequence === sequence)
  const asked = useAuditRecord(sequence, known)
  const record = known ?? asked.data
  return (
    <Drawer
      opened={sequence !== undefined}
      onClose={onClose}
      size={560}
      title={record ? (ACTIONS[record.action] ?? record.action) : `Record ${sequence}`}
    >
      {record ? (
        <Details record={record} />
      ) : asked.isError ? (
        <Failed
          what="The record could not be loaded"
          error={asked.error}
          retry={() => void asked.refetch()}
        />
      ) : record === null ? (
        <Empty icon={<IconClipboardOff />} title={`There is no record ${sequence}`} />
      ) : (
        <Skeleton height={320} aria-hidden />
      )}
    </Drawer>
  )
}

function Details({ record }: { record: AuditRecord }) {
  const detail = read(record.detail)
  return (
    <Stack gap="lg">
      <Facts>
        <Fact label="Record">{record.sequence}</Fact>
        <Fact label="Action">
          <Code>{record.action}</Code>
        </Fact>
        <Fact label="When">
          <Time at={record.at} as="date" />
        </Fact>
        <Fact label="Who">
          <Long text={record.actor} />
        </Fact>
        <Fact label="With">
          <Long text={record.credential} mono />
        </Fact>
        <Fact label="From">{record.address}</Fact>
        {record.workspaceId && <Fact label="Workspace">{record.workspaceId}</Fact>}
        {record.target && (
          <Fact label="Target">
            <Long text={record.target} mono />
          </Fact>
        )}
        {detail?.facts.map(({ field, after }) => (
          <Fact key={field} label={words(field)}>
            <Sentence text={after ?? ''} />
          </Fact>
        ))}
      </Facts>
      {detail && detail.changes.length > 0 && <Changes lines={detail.changes} />}
      {!detail && <Code block>{record.detail}</Code>}
      <div>
        <Title order={3} fz="sm" mb={4}>
          In the chain
        </Title>
        <Hash label="Hash of this record" hash={record.hash} />
        <Hash label="Hash of the one before" hash={record.previousHash} />
      </div>
    </Stack>
  )
}

function Changes({ lines }: { lines: Line[] }) {
  return (
    <Table layout="fixed" withTableBorder>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Field</Table.Th>
          <Table.Th>Before</Table.Th>
          <Table.Th>After</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {lines.map(({ field, before, after }) => (
          <Table.Tr key={field}>
            <Table.Td>
              <Long text={field} />
            </Table.Td>
            <Table.Td>
              {before !== undefined && (
                <Text
                  fz="sm"
                  c={before === after ? 'dimmed' : 'var(--twinkey-bad)'}
                  component={before === after ? 'span' : 'del'}
                  style={WRAP}
                >
                  {before}
                </Text>
              )}
            </Table.Td>
            <Table.Td>
              {after !== undefined && (
                <Text
                  fz="sm"
                  c={before === after ? 'dimmed' : 'var(--twinkey-good)'}
                  component={before === after ? 'span' : 'ins'}
                  style={WRAP}
                >
                  {after}
                </Text>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

const WRAP = { overflowWrap: 'anywhere', textDecoration: 'none' } as const

/** `deactivatedAt` as "Deactivated at". */
function words(field: string): string {
  const spaced = field.replace(
    /([a-z])([A-Z])/g,
    (_, end: string, start: string) => `${end} ${start.toLowerCase()}`,
  )
  return `${spaced.charAt(0).toUpperCase()}${spaced.slice(1)}`
}

function Long({ text, mono }: { text: string; mono?: boolean }) {
  return (
    <Text span fz={mono ? 'xs' : 'sm'} ff={mono ? 'monospace' : undefined} style={WRAP}>
      {text}
    </Text>
  )
}

function Hash({ label, hash }: { label: string; hash: string }) {
  return (
    <Text fz="xs" c="dimmed" component="div">
      {label} <Copy text={hash} label="Copy the hash" />
      <Text ff="monospace" fz="xs" style={WRAP}>
        {hash}
      </Text>
    </Text>
  )
}
