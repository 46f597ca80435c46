import { Button, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { IconCertificate } from '@tabler/icons-react'
import { useState } from 'react'
import { brokerCa, useConnection } from '../../api/connection'
import { Copy } from '../../components/Copy'
import { download } from '../../components/download'
import { Fact, Facts } from '../../components/Facts'
import { Failed } from '../../components/Failed'

/** How clients reach the API and the broker. A Quix client finds out all of this by itself. */
export function Connection({ workspaceId }: { workspaceId: string }) {
  const connection = useConnection(workspaceId)
  const { address, protocol, mechanism, hasCertificate } = connection.data ?? {}
  return (
    <Paper withBorder radius="md" p="lg" component="section" aria-labelledby="connection">
      <Stack gap="sm">
        <Title order={2} fz={18} id="connection">
          Connection
        </Title>
        <Text fz="sm" c="dimmed">
          Quix clients need the token and the API's address, and find out the rest. Other Kafka clients need
          all of it.
        </Text>
        {connection.error ? (
          <Failed
            what="The connection could not be loaded"
            error={connection.error}
            retry={() => void connection.refetch()}
          />
        ) : (
          <Facts>
            <Value label="API" value={window.location.origin} />
            <Value label="Workspace id" value={workspaceId} />
            <Value label="Broker address" value={address} />
            <Value label="Protocol" value={protocol} />
            <Value label="Mechanism" value={mechanism} />
            <Fact label="CA certificate">
              {hasCertificate === undefined ? (
                <Skeleton height={18} width={160} />
              ) : hasCertificate ? (
                <CaDownload workspaceId={workspaceId} />
              ) : (
                'Not needed: the broker’s certificate is from a public authority.'
              )}
            </Fact>
          </Facts>
        )}
      </Stack>
    </Paper>
  )
}

function Value({ label, value }: { label: string; value: string | undefined }) {
  return (
    <Fact label={label}>
      {value === undefined ? (
        <Skeleton height={18} width={160} />
      ) : (
        <Group gap={4} wrap="nowrap">
          <Text component="code" ff="monospace" fz="sm" style={{ overflowWrap: 'anywhere' }}>
            {value}
          </Text>
          <Copy text={value} label={`Copy: ${label}`} />
        </Group>
      )}
    </Fact>
  )
}

function CaDownload({ workspaceId }: { workspaceId: string }) {
  const [failure, setFailure] = useState<unknown>()
  const fetchIt = async () => {
    setFailure(undefined)
    try {
      const pem = await brokerCa(workspaceId)
      if (pem === undefined) throw new Error('The server has no certificate for clients.')
      download('twinkey-ca.pem', pem)
    } catch (error) {
      setFailure(error)
    }
  }
  return (
    <Stack gap="xs" align="flex-start">
      <Button
        variant="default"
        size="xs"
        leftSection={<IconCertificate size={16} aria-hidden />}
        onClick={() => void fetchIt()}
      >
        Download PEM file
      </Button>
      {failure !== undefined && <Failed what="The certificate could not be loaded" error={failure} />}
    </Stack>
  )
}
