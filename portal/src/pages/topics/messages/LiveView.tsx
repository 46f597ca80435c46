import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconMessages, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react'
import { useState } from 'react'
import type { Source } from '../../../api/messages'
import { Empty } from '../../../components/Empty'
import { Failed } from '../../../components/Failed'
import { TextLink } from '../../../components/links'
import { count } from '../numbers'
import { KEPT, type StreamState } from './live'
import { MessageList } from './MessageList'
import classes from './Messages.module.css'
import { useLive } from './useLive'

/** The newest messages as they come. */
export function LiveView({ source, filter }: { source: Source; filter: string }) {
  const [paused, setPaused] = useState(false)
  const live = useLive(source, paused)
  if (live.state.kind === 'failed' && live.messages === undefined)
    return <Failed what="The messages could not be loaded" error={live.state.error} retry={live.again} />
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Button
          variant="default"
          size="xs"
          leftSection={
            paused ? <IconPlayerPlay size={16} aria-hidden /> : <IconPlayerPause size={16} aria-hidden />
          }
          onClick={() => setPaused(!paused)}
        >
          {paused ? 'Go on' : 'Pause'}
        </Button>
        <Group gap={8} wrap="nowrap">
          <span className={classes.dot} data-live={(!paused && live.state.kind === 'live') || undefined} />
          <Text fz="sm">{paused ? 'Paused' : WORDS[live.state.kind]}</Text>
        </Group>
        <Text fz="sm" c="dimmed" aria-live="off">
          {live.messages && `The newest ${count(live.messages.length)}`}
          {live.messages?.length === KEPT && ', no more are kept'}
          {live.skipped > 0 && ` · ${count(live.skipped)} skipped: more came than one can follow`}
        </Text>
      </Group>
      {live.state.kind === 'ended' && (
        <Alert color="yellow" role="status">
          {live.state.message}
        </Alert>
      )}
      {live.notes.map((note) => (
        <Alert key={note} color="yellow">
          {note}
        </Alert>
      ))}
      <MessageList
        source={source}
        messages={live.messages}
        filter={filter}
        empty={
          filter === '' ? (
            <Empty icon={<IconMessages />} title="No messages yet">
              What is sent from now on stands here as it comes. A program to send with is under{' '}
              <TextLink
                to="/workspaces/$workspaceId/broker-settings"
                params={{ workspaceId: source.workspaceId }}
                fz="sm"
              >
                Broker settings
              </TextLink>
              .
            </Empty>
          ) : (
            <Empty icon={<IconMessages />} title="None of them has that in it">
              The filter looks at the messages that are on the page, and at what comes.
            </Empty>
          )
        }
      />
    </Stack>
  )
}

const WORDS: Record<StreamState['kind'], string> = {
  connecting: 'Connecting',
  live: 'Live',
  interrupted: 'Interrupted; trying again',
  ended: 'Ended',
  failed: 'Interrupted',
}
