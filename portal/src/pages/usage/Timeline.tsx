import { Anchor, Box, Group, SegmentedControl, Skeleton, Stack, Title } from '@mantine/core'
import { useState } from 'react'
import type { TokenTimeline, UsageTimeline } from '../../api/schema'
import { useUsageTimeline } from '../../api/usage'
import { Failed } from '../../components/Failed'
import { Chart } from './Chart'
import { type Series, spread, stepsOf, sum } from './series'
import { TimelineTable } from './TimelineTable'

const RANGES = [
  { value: '1', label: '1 hour' },
  { value: '24', label: '1 day' },
  { value: '168', label: '1 week' },
  { value: '2160', label: '90 days' },
]
const KIND = { normal: 'rotated', emergency: 'emergency', undo: 'undone' }

type Pick = (point: TokenTimeline['points'][number]) => number | null | undefined

interface Props {
  workspaceId: string
  hours: string
  onHours: (hours: string) => void
}

/** The use of the tokens over time, with the rotations in it. */
export function Timeline({ workspaceId, hours, onHours }: Props) {
  const timeline = useUsageTimeline(workspaceId, Number(hours))
  return (
    <Box component="section">
      <Group justify="space-between" mb="sm" gap="xs">
        <Title order={2} fz="md">
          Over time
        </Title>
        <SegmentedControl
          size="xs"
          data={RANGES}
          value={hours}
          onChange={onHours}
          aria-label="How far back"
        />
      </Group>
      {timeline.data ? (
        <Charts timeline={timeline.data} />
      ) : timeline.isError ? (
        <Failed
          what="The time line could not be loaded"
          error={timeline.error}
          retry={() => void timeline.refetch()}
        />
      ) : (
        <Skeleton height={230} aria-hidden />
      )}
    </Box>
  )
}

function Charts({ timeline }: { timeline: UsageTimeline }) {
  const [table, setTable] = useState(false)
  const steps = stepsOf(timeline.from, timeline.to, timeline.stepSeconds)
  const time = formatOf(timeline.stepSeconds * steps.length)
  const marks = timeline.rotations.map(({ at, kind }) => ({ at: Date.parse(at), label: KIND[kind] }))
  const of = (pick: Pick): Series[] => {
    const valid = timeline.tokens.filter((token) => !token.deactivatedAt)
    const dead = timeline.tokens.filter(
      (token) => token.deactivatedAt && token.points.some((point) => pick(point)),
    )
    return [
      ...valid.map((token) => ({
        id: token.id,
        label: token.label,
        color: token.label === 'Token 1' ? 'var(--twinkey-token-1)' : 'var(--twinkey-token-2)',
        values: spread(token.points, steps, pick),
      })),
      // However many there were: one line.
      ...(dead.length === 0
        ? []
        : [
            {
              id: 'dead',
              label: dead.length === 1 ? `${dead[0]?.masked} (dead)` : `${dead.length} dead tokens`,
              color: 'var(--twinkey-dead)',
              values: sum(dead.map((token) => spread(token.points, steps, pick))),
            },
          ]),
    ]
  }
  const refused = of((point) => point.refused).filter(({ values }) => values.some((value) => value))
  const requests = of((point) => point.requests)
  const connections = of((point) => point.connections)
  const known = connections.some(({ values }) => values.some((value) => value !== null && value > 0))
  const unfinished = (steps.at(-1) ?? 0) + timeline.stepSeconds * 1000 > Date.parse(timeline.to)
  const charts: { title: string; series: Series[]; unfinished: boolean }[] = [
    { title: `Requests ${per(timeline.stepSeconds)}`, series: requests, unfinished },
    ...(known ? [{ title: 'Open connections, at most', series: connections, unfinished: false }] : []),
    ...(refused.length > 0
      ? [{ title: `Refused uses of dead tokens ${per(timeline.stepSeconds)}`, series: refused, unfinished }]
      : []),
  ]
  return (
    <Stack gap="sm">
      {charts.map((chart) => (
        <Chart key={chart.title} {...chart} steps={steps} marks={marks} time={time} />
      ))}
      <Anchor
        component="button"
        type="button"
        fz="sm"
        w="fit-content"
        aria-expanded={table}
        onClick={() => setTable(!table)}
      >
        {table ? 'Hide the numbers' : 'Show the numbers as a table'}
      </Anchor>
      {table && <TimelineTable charts={charts} steps={steps} time={time} />}
    </Stack>
  )
}

/** "per minute", "per 5 minutes", "per hour". */
function per(seconds: number): string {
  const [length, unit] = seconds < 3600 ? [seconds / 60, 'minute'] : [seconds / 3600, 'hour']
  return length === 1 ? `per ${unit}` : `per ${length} ${unit}s`
}

function formatOf(seconds: number): (at: number) => string {
  const days = { month: 'short', day: 'numeric' } as const
  const hours = { hour: '2-digit', minute: '2-digit' } as const
  const options = seconds <= 90_000 ? hours : seconds <= 8 * 86_400 ? { ...days, ...hours } : days
  const format = new Intl.DateTimeFormat(undefined, options)
  return (at) => format.format(at)
}
