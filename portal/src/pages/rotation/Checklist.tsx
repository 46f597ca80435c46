import { Box, Group, Text, ThemeIcon } from '@mantine/core'
import { IconArrowsExchange, IconCheck, IconCircleDashed } from '@tabler/icons-react'
import { Time } from '../../components/Time'
import { opened } from '../usage/numbers'
import classes from './Checklist.module.css'
import type { Mover, Step } from './checklist'

const MARK: Record<Step, { color: string; icon: typeof IconCheck; label: string }> = {
  onToken1: { color: 'gray', icon: IconCircleDashed, label: 'Still on Token 1' },
  onBoth: { color: 'yellow', icon: IconArrowsExchange, label: 'On both tokens' },
  moved: { color: 'teal', icon: IconCheck, label: 'Moved to Token 2' },
}

/** Who uses Token 1, ticked off as they move to Token 2. */
export function Checklist({ movers }: { movers: Mover[] }) {
  if (movers.length === 0)
    return (
      <Text fz="sm" c="dimmed">
        Nobody has used Token 1 lately.
      </Text>
    )
  return (
    // A long list scrolls, also with the keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever cannot use a mouse has to reach it to scroll it
    <ul className={classes.list} aria-label="Who uses Token 1" tabIndex={0}>
      {movers.map((mover) => (
        <Item key={mover.key} mover={mover} />
      ))}
    </ul>
  )
}

function Item({ mover: { client, step, movedAt, open } }: { mover: Mover }) {
  const { color, icon: Icon, label } = MARK[step]
  const place = client.address === '' ? '' : ` from ${client.address}`
  return (
    <li className={classes.item} data-step={step}>
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <ThemeIcon
          size={22}
          radius="xl"
          variant={step === 'moved' ? 'filled' : 'light'}
          color={color}
          aria-hidden
        >
          <Icon size={14} />
        </ThemeIcon>
        <Box miw={0} flex={1}>
          <Text fz="sm" fw={500} style={{ overflowWrap: 'anywhere' }}>
            {client.name}
            <Text span fz="sm" fw={400} c="dimmed">
              {place} {client.via === 'api' ? '(API)' : ''}
            </Text>
          </Text>
          <Text fz="xs" c="dimmed">
            <b>{label}</b>
            {step === 'moved' ? (
              <>
                , seen there <Time at={movedAt} />
              </>
            ) : (
              <>
                , used <Time at={client.lastUsedAt} />
                {client.openConnections > 0 && `, ${opened(client.openConnections, open)}`}
                {client.groups.length > 0 && `, group ${client.groups.join(', ')}`}
                {step === 'onBoth' && '. An instance of it is left on Token 1, or is shutting down.'}
              </>
            )}
          </Text>
        </Box>
      </Group>
    </li>
  )
}
