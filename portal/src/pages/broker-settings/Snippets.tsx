import { Autocomplete, Group, Paper, SegmentedControl, Stack, Tabs, Text, Title } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useConnection } from '../../api/connection'
import type { Role, Slot, TokenPair } from '../../api/schema'
import { useTopics } from '../../api/topics'
import { isInternal } from '../topics/internal'
import classes from './Snippets.module.css'
import { SnippetText } from './SnippetText'
import { SNIPPETS } from './snippets'

interface Props {
  workspaceId: string
  tokens: TokenPair | undefined
  role: Role | undefined
}

/** Ready-made programs and settings with the workspace's values. */
export function Snippets({ workspaceId, tokens, role }: Props) {
  const navigate = useNavigate()
  const { snippet: wanted } = useSearch({ from: '/shell/workspaces/$workspaceId/broker-settings' })
  const snippet = SNIPPETS.find(({ id }) => id === wanted) ?? SNIPPETS[0]
  const [slot, setSlot] = useState<Slot>('current')
  const [topic, setTopic] = useState<string>()
  const connection = useConnection(workspaceId)
  const names = (useTopics(workspaceId).data ?? [])
    .map(({ name }) => name)
    .filter((name) => !isInternal(name))
  if (snippet === undefined) return null
  const known = {
    workspaceId,
    topic: topic?.trim() || (names[0] ?? 'hello'),
    slot,
    token: tokens?.[slot],
    connection: connection.data,
  }
  return (
    <Paper withBorder radius="md" p="lg" component="section" aria-labelledby="snippets">
      <Stack gap="sm">
        <Title order={2} fz={18} id="snippets">
          Connect
        </Title>
        <Group gap="md" align="flex-end">
          <Autocomplete
            label="Topic"
            data={names.slice(0, 200)}
            value={topic ?? known.topic}
            onChange={setTopic}
            limit={20}
            w={240}
            maw="100%"
          />
          <SegmentedControl
            aria-label="Which token"
            value={slot}
            onChange={(value) => setSlot(value as Slot)}
            data={[
              { value: 'current', label: 'Token 1' },
              { value: 'next', label: 'Token 2' },
            ]}
          />
        </Group>
        <Tabs
          value={snippet.id}
          onChange={(id) =>
            void navigate({
              to: '.',
              search: { snippet: id ?? undefined },
              replace: true,
              resetScroll: false,
            })
          }
          keepMounted={false}
        >
          <Tabs.List className={classes.list} aria-label="Kinds of client">
            {SNIPPETS.map(({ id, label }) => (
              <Tabs.Tab key={id} value={id} className={classes.tab}>
                {label}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          <Tabs.Panel value={snippet.id} pt="md">
            <Stack gap="sm">
              <Text fz="sm" c="dimmed">
                {snippet.note}
              </Text>
              <SnippetText snippet={snippet} known={known} role={role} />
            </Stack>
          </Tabs.Panel>
        </Tabs>
      </Stack>
    </Paper>
  )
}
