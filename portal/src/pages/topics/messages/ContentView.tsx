import { Button, Group, SegmentedControl, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { Copy } from '../../../components/Copy'
import { bytes } from '../numbers'
import { type Bytes, bestLook, bytesOf, hexDump, json, type Look, sizeOf } from './content'
import classes from './Messages.module.css'

interface Props {
  /** "Value". */
  label: string
  content: Bytes | null | undefined
  /** What its absence means. */
  none: string
  /** Fetches all of it, where only the beginning is here. */
  onWhole?: () => void
  pending?: boolean
}

/** A key or a value, as text, JSON or hexadecimal. */
export function ContentView({ label, content, none, onWhole, pending }: Props) {
  const [chosen, setChosen] = useState<Look>()
  if (content == null)
    return (
      <section aria-label={label}>
        <Text fw={600} fz="sm">
          {label}
        </Text>
        <Text fz="sm" c="dimmed">
          {none}
        </Text>
      </section>
    )
  const pretty = content.text === undefined ? undefined : json(content.text)
  const best = bestLook(content)
  const possible = (look: Look) =>
    look === 'hex' || (look === 'text' ? content.text !== undefined : pretty !== undefined)
  const look = chosen !== undefined && possible(chosen) ? chosen : best
  const shown =
    look === 'hex' ? hexDump(bytesOf(content)) : look === 'json' ? (pretty ?? '') : (content.text ?? '')
  return (
    <section aria-label={label}>
      <Stack gap={6}>
        <Group justify="space-between" gap="xs">
          <Text fw={600} fz="sm">
            {label}{' '}
            <Text span fw={400} c="dimmed" fz="xs">
              {bytes(sizeOf(content))}
            </Text>
          </Text>
          <Group gap={4}>
            <SegmentedControl
              size="xs"
              aria-label={`How to show the ${label.toLowerCase()}`}
              value={look}
              onChange={(value) => setChosen(value as Look)}
              data={[
                { value: 'text', label: 'Text', disabled: !possible('text') },
                { value: 'json', label: 'JSON', disabled: !possible('json') },
                { value: 'hex', label: 'Hex' },
              ]}
            />
            <Copy text={shown} label={`Copy the ${label.toLowerCase()}`} />
          </Group>
        </Group>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard (WCAG 2.1.1) */}
        <section className={classes.content} data-look={look} tabIndex={0} aria-label={`${label}: the bytes`}>
          <pre>{shown}</pre>
        </section>
        {content.truncated && (
          <Group gap="xs">
            <Text fz="xs" c="dimmed">
              Only the beginning is here: {bytes(bytesOf(content).length)} of {bytes(sizeOf(content))}.
            </Text>
            {onWhole && (
              <Button size="compact-xs" variant="default" onClick={onWhole} loading={pending ?? false}>
                Load all of it
              </Button>
            )}
          </Group>
        )}
      </Stack>
    </section>
  )
}
