import type { UsagePoint } from '../../api/schema'

/** A line of the chart: a value for each step. */
export interface Series {
  id: string
  label: string
  color: string
  values: (number | null)[]
}

/** The beginnings of all steps of a time line, in milliseconds. */
export function stepsOf(from: string, to: string, stepSeconds: number): number[] {
  const [start, end, step] = [Date.parse(from), Date.parse(to), stepSeconds * 1000]
  const steps: number[] = []
  for (let at = start; at < end; at += step) steps.push(at)
  return steps
}

/** A value for each step: where no point is, there was nothing. */
export function spread(
  points: UsagePoint[],
  steps: number[],
  of: (point: UsagePoint) => number | null | undefined,
): (number | null)[] {
  const byTime = new Map(points.map((point) => [Date.parse(point.at), of(point) ?? null]))
  return steps.map((at) => (byTime.has(at) ? (byTime.get(at) ?? null) : 0))
}

/** Several lines as one. What nobody can tell of one of them counts as nothing, unless nobody can tell any. */
export function sum(lines: (number | null)[][]): (number | null)[] {
  return (lines[0] ?? []).map((_, step) =>
    lines.reduce<number | null>((total, line) => {
      const value = line[step] ?? null
      return value === null ? total : (total ?? 0) + value
    }, null),
  )
}

/** A round number at or above the highest value, so that the axis has whole marks. */
export function ceiling(highest: number): number {
  if (highest <= 4) return 4
  const power = 10 ** Math.floor(Math.log10(highest))
  const factor = [1, 2, 4, 6, 8, 10].find((each) => each * power >= highest) ?? 10
  return factor * power
}
