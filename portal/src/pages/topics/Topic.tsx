import { Skeleton, Stack, Tabs } from '@mantine/core'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { usePartitions, useTopic } from '../../api/topics'
import { useRole } from '../../api/workspaces'
import { Failed } from '../../components/Failed'
import { TextLink } from '../../components/links'
import { Page } from '../../components/Page'
import { Configuration } from './Configuration'
import { Messages } from './messages/Messages'
import { Partitions } from './Partitions'
import { type Act, TopicActions } from './TopicActions'
import { TopicGroups } from './TopicGroups'
import { TopicMenu } from './TopicMenu'
import { TopicNumbers } from './TopicNumbers'
import { totalsOf } from './totals'

const TABS = [
  { value: 'messages', label: 'Messages' },
  { value: 'partitions', label: 'Partitions' },
  { value: 'groups', label: 'Consumer groups' },
  { value: 'configuration', label: 'Configuration' },
]

/** One topic: its messages, partitions, groups and settings. */
export function Topic() {
  const { workspaceId, topic: name } = useParams({ from: '/shell/workspaces/$workspaceId/topics/$topic' })
  const { tab = 'messages' } = useSearch({ from: '/shell/workspaces/$workspaceId/topics/$topic' })
  const navigate = useNavigate({ from: '/workspaces/$workspaceId/topics/$topic' })
  const topic = useTopic(workspaceId, name)
  const partitions = usePartitions(workspaceId, name)
  const role = useRole(workspaceId)
  const [act, setAct] = useState<Act>()
  const above = [
    {
      label: 'Topics',
      link: (
        <TextLink to="/workspaces/$workspaceId/topics" params={{ workspaceId }} fz="sm">
          Topics
        </TextLink>
      ),
    },
  ]
  if (topic.data === undefined)
    return (
      <Page title={name} above={above}>
        {topic.error ? (
          <Failed
            what="The topic could not be loaded"
            error={topic.error}
            retry={() => void topic.refetch()}
          />
        ) : (
          <Skeleton height={320} radius="md" />
        )}
      </Page>
    )
  const totals = partitions.data && totalsOf(partitions.data.partitions)
  return (
    <Page
      title={name}
      above={above}
      actions={<TopicMenu name={name} role={role} onAct={setAct} variant="default" />}
    >
      <Stack gap="md">
        <TopicNumbers partitions={partitions.data} />
        <Tabs
          value={TABS.some(({ value }) => value === tab) ? tab : 'messages'}
          onChange={(tab) =>
            void navigate({
              search: (before) => ({ ...before, tab: tab === 'messages' ? undefined : (tab ?? undefined) }),
              resetScroll: false,
            })
          }
          keepMounted={false}
        >
          <Tabs.List style={{ flexWrap: 'nowrap', overflowX: 'auto', overflowY: 'hidden' }}>
            {TABS.map(({ value, label }) => (
              <Tabs.Tab key={value} value={value} style={{ flex: 'none' }}>
                {label}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          <Tabs.Panel value="messages" pt="md">
            <Messages
              workspaceId={workspaceId}
              topic={name}
              partitions={topic.data.configuration.partitions}
            />
          </Tabs.Panel>
          <Tabs.Panel value="partitions" pt="md">
            <Partitions query={partitions} />
          </Tabs.Panel>
          <Tabs.Panel value="groups" pt="md">
            <TopicGroups workspaceId={workspaceId} topic={name} />
          </Tabs.Panel>
          <Tabs.Panel value="configuration" pt="md">
            <Configuration topic={topic.data} role={role} onChange={() => setAct('change')} />
          </Tabs.Panel>
        </Tabs>
      </Stack>
      <TopicActions
        workspaceId={workspaceId}
        topic={topic.data}
        totals={totals}
        act={act}
        onClose={() => setAct(undefined)}
        onDeleted={() => void navigate({ to: '/workspaces/$workspaceId/topics', params: { workspaceId } })}
      />
    </Page>
  )
}
