import { Group, Paper, Text, ThemeIcon } from '@mantine/core'
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react'
import type { HealthCheck } from '../../api/schema'
import { Section } from '../../components/Section'
import { Time } from '../../components/Time'
import classes from './System.module.css'

const NAMES: Record<string, string> = {
  database: 'Database',
  broker: 'Broker',
  cutOffs: 'Cut-offs',
  replicas: 'Replicas',
  masterKey: 'Master key',
  audit: 'Audit log',
}

/** What an operator should look at, what is wrong first. */
export function Health({ checks, at }: { checks: HealthCheck[]; at: string }) {
  const sorted = checks.toSorted((left, right) => Number(left.ok) - Number(right.ok))
  const wrong = checks.filter(({ ok }) => !ok).length
  return (
    <Section
      title="Health"
      description={
        <>
          {wrong === 0 ? 'All is well' : `${wrong} of ${checks.length} need a look`}, as of <Time at={at} />.
        </>
      }
    >
      <Paper withBorder component="ul" className={classes.list} aria-label="Health">
        {sorted.map(({ name, ok, sentence }) => (
          <li key={name} className={classes.item} data-ok={ok}>
            <Group gap="sm" wrap="nowrap" align="flex-start">
              <ThemeIcon
                size={22}
                radius="xl"
                variant="light"
                color={ok ? 'teal' : 'red'}
                role="img"
                aria-label={ok ? 'Well' : 'Look at this'}
              >
                {ok ? <IconCheck size={14} aria-hidden /> : <IconAlertTriangle size={14} aria-hidden />}
              </ThemeIcon>
              <div>
                <Text fz="sm" fw={500}>
                  {NAMES[name] ?? name}
                </Text>
                <Text fz="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                  {sentence}
                </Text>
              </div>
            </Group>
          </li>
        ))}
      </Paper>
    </Section>
  )
}
