import { Box, Group, Paper, Text } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { type PointerEvent, useId, useState } from 'react'
import classes from './Chart.module.css'
import { ceiling, type Series } from './series'

interface Props {
  /** What it shows: "Requests". */
  title: string
  series: Series[]
  /** When each step begins. */
  steps: number[]
  /** Marked by a line each: a rotation. */
  marks: { at: number; label: string }[]
  /** A step, for people. */
  time: (at: number) => string
  /** The last step is not over: its line is dashed, so that it is not taken for a fall. */
  unfinished: boolean
}

const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [168, 44, 8, 18, 22]
const NUMBER = new Intl.NumberFormat('en', { notation: 'compact' })

/** Lines over time. The same numbers stand in a table beside it, so it is left out for screen readers. */
export function Chart({ title, series, steps, marks, time, unfinished }: Props) {
  const { ref, width } = useElementSize()
  const [pointed, setPointed] = useState<number>()
  const heading = useId()
  const top = ceiling(Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0))))
  const inner = Math.max(1, width - LEFT - RIGHT)
  const last = Math.max(1, steps.length - 1)
  const x = (index: number) => LEFT + (index / last) * inner
  const y = (value: number) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM)
  const atTime = (at: number) => {
    const [first = 0, second = 1] = steps
    return x((at - first) / (second - first))
  }
  // Of marks close together the last one has words.
  const hasRoom = (next: number | undefined, at: number) =>
    next === undefined || atTime(next) - atTime(at) > 64
  const point = ({ nativeEvent: { offsetX } }: PointerEvent) => {
    const index = Math.round(((offsetX - LEFT) / inner) * last)
    setPointed(index >= 0 && index < steps.length ? index : undefined)
  }
  const shown = pointed ?? steps.length - 1
  return (
    <Paper withBorder p="md" component="figure" m={0} aria-labelledby={heading}>
      <Group justify="space-between" gap="xs" mb="xs" wrap="wrap">
        <Text id={heading} fz="sm" fw={600} component="figcaption">
          {title}
        </Text>
        <Group gap="md" aria-hidden>
          {series.map(({ id, label, color, values }) => (
            <Text key={id} fz="xs" className={classes.key} style={{ '--series': color }}>
              {label}: <b>{values[shown] === null ? '?' : NUMBER.format(values[shown] ?? 0)}</b>
            </Text>
          ))}
          <Text fz="xs" c="dimmed" className={classes.when}>
            {unfinished && shown === steps.length - 1 ? 'now' : time(steps[shown] ?? 0)}
          </Text>
        </Group>
      </Group>
      <Box ref={ref}>
        <svg
          width="100%"
          height={HEIGHT}
          aria-hidden
          className={classes.chart}
          onPointerMove={point}
          onPointerLeave={() => setPointed(undefined)}
        >
          {[0, 0.5, 1].map((part) => (
            <g key={part}>
              <line
                x1={LEFT}
                x2={LEFT + inner}
                y1={y(part * top)}
                y2={y(part * top)}
                className={classes.grid}
              />
              <text x={LEFT - 8} y={y(part * top) + 4} textAnchor="end">
                {NUMBER.format(part * top)}
              </text>
            </g>
          ))}
          <text x={LEFT} y={HEIGHT - 4}>
            {time(steps[0] ?? 0)}
          </text>
          <text x={LEFT + inner} y={HEIGHT - 4} textAnchor="end">
            {time(steps.at(-1) ?? 0)}
          </text>
          {marks.map(({ at, label }, index) => (
            <g key={at} className={classes.mark}>
              <title>{`${label}, ${time(at)}`}</title>
              <line x1={atTime(at)} x2={atTime(at)} y1={TOP - 4} y2={HEIGHT - BOTTOM} />
              <text x={atTime(at)} y={TOP - 8} textAnchor={atTime(at) > width - 90 ? 'end' : 'middle'}>
                {hasRoom(marks[index + 1]?.at, at) && label}
              </text>
            </g>
          ))}
          {series.map(({ id, color, values }) => (
            <g key={id} stroke={color} className={classes.line}>
              <path d={path(unfinished ? values.slice(0, -1) : values, x, y)} />
              {unfinished && <path d={path(values, x, y, values.length - 2)} strokeDasharray="2 4" />}
            </g>
          ))}
          {pointed !== undefined && (
            <line x1={x(pointed)} x2={x(pointed)} y1={TOP} y2={HEIGHT - BOTTOM} className={classes.pointer} />
          )}
        </svg>
      </Box>
    </Paper>
  )
}

/** The line from a step on, with gaps where nobody can tell. */
function path(
  values: (number | null)[],
  x: (index: number) => number,
  y: (value: number) => number,
  from = 0,
): string {
  return values
    .map((value, index) => {
      if (value === null || index < from) return ''
      const joins = index > from && typeof values[index - 1] === 'number'
      return `${joins ? 'L' : 'M'}${x(index).toFixed(1)},${y(value).toFixed(1)}`
    })
    .join('')
}
