import type { Topic } from '../../api/schema'
import { useCleanTopic, useDeleteTopic } from '../../api/topics'
import { ConfirmDialog } from '../../components/ConfirmDialog'
import { ChangeTopic } from './ChangeTopic'
import { bytes, plural } from './numbers'
import type { Totals } from './totals'

/** What is about to be done with a topic. */
export type Act = 'change' | 'clean' | 'delete'

interface Props {
  workspaceId: string
  topic: Topic
  /** Nothing while it is on its way. */
  totals: Totals | undefined
  act: Act | undefined
  onClose: () => void
  onDeleted?: () => void
}

/** The dialogs for one topic. */
export function TopicActions({ workspaceId, topic, totals, act, onClose, onDeleted }: Props) {
  const clean = useCleanTopic(workspaceId)
  const remove = useDeleteTopic(workspaceId)
  const request = { params: { path: { workspace_id: workspaceId, name: topic.name } } }
  const messages =
    totals?.records == null
      ? 'All its messages'
      : totals.records === 1
        ? 'Its 1 message'
        : `All its ${plural(totals.records, 'message')}${totals.bytes == null ? '' : ` (${bytes(totals.bytes)})`}`
  const groups = totals?.groups ?? 0
  return (
    <>
      {act === 'change' && <ChangeTopic workspaceId={workspaceId} topic={topic} onClose={onClose} />}
      <ConfirmDialog
        opened={act === 'clean'}
        onClose={onClose}
        title={`Clean ${topic.name}`}
        action="Delete all messages"
        onConfirm={() => clean.mutateAsync(request)}
      >
        {messages} in {plural(topic.configuration.partitions, 'partition')} are deleted, read or not. The
        topic, its settings and the offsets go on: what is written next is read next. There is no way back.
      </ConfirmDialog>
      <ConfirmDialog
        opened={act === 'delete'}
        onClose={onClose}
        title={`Delete ${topic.name}`}
        action="Delete this topic"
        name={topic.name}
        nameOf="the topic's name"
        onConfirm={async () => {
          await remove.mutateAsync(request)
          onDeleted?.()
        }}
      >
        {messages} end with it
        {groups > 0 && `, and the places of ${plural(groups, 'consumer group')}`}. Programs that write to it
        or read it fail, or make it anew without its settings. There is no way back.
      </ConfirmDialog>
    </>
  )
}
