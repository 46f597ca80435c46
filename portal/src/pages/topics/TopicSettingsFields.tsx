import { Group, NumberInput, Select, Stack } from '@mantine/core'
import type { TopicSettings } from '../../api/schema'
import {
  FOR_EVER,
  POLICIES,
  SIZE_UNITS,
  type SizeUnit,
  sizeParts,
  TIME_UNITS,
  type TimeUnit,
  timeParts,
} from './settings'

/** A topic's settings as the form holds them. */
export interface Settings {
  partitions: number
  /** Nothing: the cluster's default. */
  replicationFactor: number | undefined
  time: { value: number; unit: TimeUnit | 'ever' }
  size: { value: number; unit: SizeUnit | 'none' }
  cleanupPolicy: string
}

/** From what the API says. */
export function settingsOf(from: {
  partitions: number
  retentionInMinutes: number
  retentionInBytes: number
  cleanupPolicy: string
}): Settings {
  const { partitions, retentionInMinutes, retentionInBytes, cleanupPolicy } = from
  return {
    partitions,
    replicationFactor: undefined,
    time: retentionInMinutes < 0 ? { value: 7, unit: 'ever' } : timeParts(retentionInMinutes),
    size: retentionInBytes < 0 ? { value: 1, unit: 'none' } : sizeParts(retentionInBytes),
    cleanupPolicy,
  }
}

/** As the API wants them; null leaves the default, or what there is. */
export function toApi({ partitions, replicationFactor, time, size, cleanupPolicy }: Settings): TopicSettings {
  return {
    partitions,
    replicationFactor: replicationFactor ?? null,
    retentionInMinutes:
      time.unit === 'ever' ? FOR_EVER : Math.max(1, Math.round(time.value * TIME_UNITS[time.unit])),
    retentionInBytes: size.unit === 'none' ? FOR_EVER : Math.round(size.value * SIZE_UNITS[size.unit]),
    cleanupPolicy,
  }
}

interface Props {
  settings: Settings
  onChange: (settings: Settings) => void
  /** A topic never gets fewer partitions. */
  least: number
  /** Whether copies can be asked for: of a new topic, on Apache Kafka. */
  replicated: boolean
}

/** Partitions, retention and cleanup policy, in units for people. */
export function TopicSettingsFields({ settings, onChange, least, replicated }: Props) {
  const set = (change: Partial<Settings>) => onChange({ ...settings, ...change })
  const { time, size } = settings
  return (
    <Stack gap="md">
      <Group grow align="flex-start">
        <NumberInput
          label="Partitions"
          description={
            least > 1 ? `${least} or more: there is no way back.` : 'So many can read at once in a group.'
          }
          value={settings.partitions}
          onChange={(value) => set({ partitions: Number(value) })}
          min={least}
          max={1000}
          allowDecimal={false}
          clampBehavior="blur"
        />
        {replicated && (
          <NumberInput
            label="Replication factor"
            description="Copies on other brokers."
            placeholder="The cluster's default"
            value={settings.replicationFactor ?? ''}
            onChange={(value) => set({ replicationFactor: value === '' ? undefined : Number(value) })}
            min={1}
            max={32767}
            allowDecimal={false}
          />
        )}
      </Group>
      <Group align="flex-end" gap="xs" wrap="nowrap">
        <NumberInput
          label="Keep messages for"
          flex={1}
          value={time.value}
          onChange={(value) => set({ time: { ...time, value: Number(value) } })}
          min={1}
          disabled={time.unit === 'ever'}
        />
        <Select
          aria-label="Unit of time"
          w={130}
          data={[
            { value: 'minutes', label: 'minutes' },
            { value: 'hours', label: 'hours' },
            { value: 'days', label: 'days' },
            { value: 'ever', label: 'for ever' },
          ]}
          value={time.unit}
          onChange={(unit) => set({ time: { ...time, unit: (unit ?? 'days') as Settings['time']['unit'] } })}
          allowDeselect={false}
        />
      </Group>
      <Group align="flex-end" gap="xs" wrap="nowrap">
        <NumberInput
          label="At most, in each partition"
          flex={1}
          value={size.value}
          onChange={(value) => set({ size: { ...size, value: Number(value) } })}
          min={0}
          decimalScale={3}
          disabled={size.unit === 'none'}
        />
        <Select
          aria-label="Unit of size"
          w={130}
          data={[
            { value: 'MB', label: 'MB' },
            { value: 'GB', label: 'GB' },
            { value: 'none', label: 'no limit' },
          ]}
          value={size.unit}
          onChange={(unit) => set({ size: { ...size, unit: (unit ?? 'none') as Settings['size']['unit'] } })}
          allowDeselect={false}
        />
      </Group>
      <Select
        label="Cleanup policy"
        description="What becomes of old messages."
        data={[...POLICIES]}
        value={settings.cleanupPolicy}
        onChange={(cleanupPolicy) => set({ cleanupPolicy: cleanupPolicy ?? 'Delete' })}
        allowDeselect={false}
      />
    </Stack>
  )
}

/** Only what differs: a unit must not round what nobody has touched. */
export function changesOf(before: Settings, after: Settings): TopicSettings {
  const [old, now] = [toApi(before), toApi(after)]
  const changed = <Name extends keyof TopicSettings>(name: Name) =>
    old[name] === now[name] ? null : now[name]
  return {
    partitions: changed('partitions'),
    replicationFactor: null,
    retentionInMinutes: changed('retentionInMinutes'),
    retentionInBytes: changed('retentionInBytes'),
    cleanupPolicy: changed('cleanupPolicy'),
  }
}
