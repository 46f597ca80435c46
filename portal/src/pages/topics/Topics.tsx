import { Alert, Group, Stack, Switch, Text, TextInput } from '@mantine/core'
import { IconMessages, IconPlus, IconSearch } from '@tabler/icons-react'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useCallback, useDeferredValue, useMemo, useState } from 'react'
import { useTopics, useTopicsActivity } from '../../api/topics'
import { useRole, useWorkspace } from '../../api/workspaces'
import { DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Failed } from '../../components/Failed'
import { TextLink } from '../../components/links'
import { Page } from '../../components/Page'
import { RoleButton } from '../../components/RoleButton'
import { CreateTopic } from './CreateTopic'
import { topicColumns } from './columns'
import { count, plural } from './numbers'
import { rowsOf, shownRows, type TopicRow } from './rows'
import { TopicTabs } from './Tabs'
import { type Act, TopicActions } from './TopicActions'
import { useRates } from './useRates'

/** The topics of a workspace, with what is in them and what happens there. */
export function Topics() {
  const { workspaceId } = useParams({ from: '/shell/workspaces/$workspaceId/topics' })
  const search = useSearch({ from: '/shell/workspaces/$workspaceId/topics' })
  const navigate = useNavigate({ from: '/workspaces/$workspaceId/topics' })
  const topics = useTopics(workspaceId)
  const activity = useTopicsActivity(workspaceId)
  const rates = useRates(activity.data)
  const role = useRole(workspaceId)
  const kafka = useWorkspace(workspaceId).data?.openConnections === null
  const [creating, setCreating] = useState(false)
  const [acting, setActing] = useState<{ row: TopicRow; act: Act }>()
  // The box must not wait for ten thousand rows.
  const filter = useDeferredValue(search.filter ?? '')
  const all = useMemo(
    () => topics.data && rowsOf(topics.data, activity.data?.topics, rates),
    [topics.data, activity.data, rates],
  )
  const internal = search.internal !== undefined
  const rows = useMemo(() => all && shownRows(all, filter, internal), [all, filter, internal])
  const hidden = all?.filter((row) => row.internal).length ?? 0
  const onAct = useCallback((row: TopicRow, act: Act) => setActing({ row, act }), [])
  const columns = useMemo(() => topicColumns(workspaceId, role, onAct), [workspaceId, role, onAct])
  const set = (change: { filter?: string; internal?: string | undefined }) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true, resetScroll: false })
  const create = (
    <RoleButton
      own={role}
      needs="Editor"
      leftSection={<IconPlus size={16} aria-hidden />}
      onClick={() => setCreating(true)}
    >
      Create a topic
    </RoleButton>
  )
  const nothing = all?.length === hidden
  return (
    <Page
      title="Topics"
      tabs={<TopicTabs workspaceId={workspaceId} />}
      actions={nothing ? undefined : create}
    >
      <Stack gap="sm">
        <Group gap="md">
          <TextInput
            aria-label="Filter by name"
            placeholder="Filter by name"
            leftSection={<IconSearch size={16} aria-hidden />}
            value={search.filter ?? ''}
            onChange={(event) => set({ filter: event.currentTarget.value })}
            w={{ base: '100%', xs: 280 }}
          />
          {hidden > 0 && (
            <Switch
              label={`Show ${plural(hidden, 'internal topic')}`}
              checked={internal}
              onChange={(event) => set({ internal: event.currentTarget.checked ? '1' : undefined })}
            />
          )}
          <Text fz="sm" c="dimmed" ml="auto">
            {rows && all && rows.length < all.length && `${count(rows.length)} of ${count(all.length)}`}
          </Text>
        </Group>
        {activity.error !== null && topics.error === null && (
          <Failed
            what="What is in the topics could not be loaded"
            error={activity.error}
            retry={() => void activity.refetch()}
          />
        )}
        {activity.data?.partial.map((sentence) => (
          <Alert key={sentence} color="yellow">
            {sentence}
          </Alert>
        ))}
        {topics.error && topics.data === undefined ? (
          <Failed
            what="The topics could not be loaded"
            error={topics.error}
            retry={() => void topics.refetch()}
          />
        ) : (
          <DataTable
            label="List of topics"
            columns={columns}
            rows={rows}
            rowKey={({ topic }) => topic.id}
            initialSort={{ column: 'name' }}
            empty={
              nothing ? (
                <Empty icon={<IconMessages />} title="No topics yet" action={create}>
                  A program makes the topics that it uses by itself. How to connect one stands under{' '}
                  <TextLink to="/workspaces/$workspaceId/broker-settings" params={{ workspaceId }} fz="sm">
                    Broker settings
                  </TextLink>
                  .
                </Empty>
              ) : (
                <Empty icon={<IconSearch />} title="No topic has that in its name" />
              )
            }
          />
        )}
      </Stack>
      <CreateTopic
        workspaceId={workspaceId}
        kafka={kafka}
        taken={topics.data?.map(({ name }) => name) ?? []}
        opened={creating}
        onClose={() => setCreating(false)}
      />
      {acting && (
        <TopicActions
          workspaceId={workspaceId}
          topic={acting.row.topic}
          totals={acting.row.activity}
          act={acting.act}
          onClose={() => setActing(undefined)}
        />
      )}
    </Page>
  )
}
