import { Paper, SimpleGrid } from '@mantine/core'
import type { SystemStatus } from '../../api/schema'
import { Fact, Facts } from '../../components/Facts'
import { TextLink } from '../../components/links'
import { Section } from '../../components/Section'
import { Time } from '../../components/Time'
import { count } from '../usage/numbers'

/** Program, database and audit log. */
export function Installation({ system }: { system: SystemStatus }) {
  const { version, commit, startedAt, publicUrl, database, audit } = system
  return (
    <Section title="Installation">
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        <Paper withBorder px="lg" py="sm">
          <Facts>
            <Fact label="Twinkey">
              {version}
              {commit && ` (${commit.slice(0, 10)})`}
            </Fact>
            <Fact label="Started">
              <Time at={startedAt} />
            </Fact>
            <Fact label="Address">{publicUrl}</Fact>
          </Facts>
        </Paper>
        <Paper withBorder px="lg" py="sm">
          <Facts>
            <Fact label="Database">
              {database.kind} {database.version}
            </Fact>
            <Fact label="Schema">{database.schema}</Fact>
            <Fact label="Audit log">
              {count(audit.records)} records, the first {count(audit.signedRecords)} of them signed{' '}
              <Time at={audit.lastCheckpointAt} />;{' '}
              <TextLink to="/audit" underline="always" fz="sm">
                verify it
              </TextLink>
            </Fact>
          </Facts>
        </Paper>
      </SimpleGrid>
    </Section>
  )
}
