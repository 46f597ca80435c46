import { Alert, Button, Code, Collapse, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { IconAlertOctagon, IconShieldCheck } from '@tabler/icons-react'
import { useState } from 'react'
import { useAuditKeys, useVerifyAudit } from '../../api/audit'
import type { AuditVerification } from '../../api/schema'
import { useSystem } from '../../api/system'
import { Copy } from '../../components/Copy'
import { Failed } from '../../components/Failed'
import { Time } from '../../components/Time'
import { count } from '../usage/numbers'

/** Whether the log is what was written: verified on request, and how somebody who does not trust the server does that. */
export function Verification() {
  const verify = useVerifyAudit()
  const status = useSystem(true).data?.audit
  const [outside, setOutside] = useState(false)
  return (
    <Paper withBorder p="md" component="section" aria-label="Verification">
      <Group justify="space-between" gap="sm" align="flex-start">
        <div>
          <Title order={2} fz="md">
            Is the log intact?
          </Title>
          <Text fz="sm" c="dimmed">
            {status ? (
              <>
                {count(status.records)} records, chained by their hashes. Signed up to record{' '}
                {count(status.signedRecords)}, <Time at={status.lastCheckpointAt} never="never yet" />.
              </>
            ) : (
              'Records are chained by their hashes, and their end is signed every few minutes.'
            )}
          </Text>
        </div>
        <Group gap="xs">
          <Button variant="subtle" aria-expanded={outside} onClick={() => setOutside(!outside)}>
            Verify it yourself
          </Button>
          <Button variant="default" loading={verify.isPending} onClick={() => verify.mutate({})}>
            Verify now
          </Button>
        </Group>
      </Group>
      {verify.data && <Result result={verify.data} />}
      {verify.isError && (
        <Stack mt="md">
          <Failed what="The log could not be verified" error={verify.error} retry={() => verify.mutate({})} />
        </Stack>
      )}
      <Collapse expanded={outside}>{outside && <Outside />}</Collapse>
    </Paper>
  )
}

function Result({ result: { ok, sentence, firstProblem, at } }: { result: AuditVerification }) {
  const Icon = ok ? IconShieldCheck : IconAlertOctagon
  return (
    <Alert mt="md" color={ok ? 'teal' : 'red'} icon={<Icon aria-hidden />} role={ok ? 'status' : 'alert'}>
      <Text fz="sm">{sentence}</Text>
      {firstProblem && (
        <Text fz="sm" mt={4}>
          {firstProblem.sequence ? `First at record ${firstProblem.sequence}: ` : ''}
          {firstProblem.reason}
        </Text>
      )}
      <Text fz="xs" c="dimmed" mt={4}>
        Verified <Time at={at} />
      </Text>
    </Alert>
  )
}

function Outside() {
  const keys = useAuditKeys()
  return (
    <Stack gap="xs" mt="md" fz="sm">
      <Text fz="sm">
        This page asks the server, so it proves little against somebody who runs it. An auditor needs no
        secret and no server: an export of the whole log, the checkpoints (the file{' '}
        <Code>audit-checkpoints.jsonl</Code> in the data directory, or a copy elsewhere), and a public key
        that was noted before.
      </Text>
      <Code block style={{ whiteSpace: 'pre-wrap' }}>
        twinkey audit verify audit.jsonl --checkpoint audit-checkpoints.jsonl --public-key …
      </Code>
      {keys.data ? (
        keys.data.publicKeys.map((key) => (
          <Group key={key} gap={4} wrap="nowrap">
            <Text fz="sm">Public key</Text>
            <Text ff="monospace" fz="xs" style={{ overflowWrap: 'anywhere' }}>
              {key}
            </Text>
            <Copy text={key} label="Copy the public key" />
          </Group>
        ))
      ) : keys.isError ? (
        <Failed
          what="The public keys could not be loaded"
          error={keys.error}
          retry={() => void keys.refetch()}
        />
      ) : (
        <Skeleton height={20} aria-hidden />
      )}
      <Text fz="sm" c="dimmed">
        Note the key somewhere outside of Twinkey, so that nobody can give you another one later.
      </Text>
    </Stack>
  )
}
