import { Alert, Modal, Stack } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { type FormEvent, useState } from 'react'
import type { Topic } from '../../api/schema'
import { useChangeTopic } from '../../api/topics'
import { FormEnd } from '../../components/FormEnd'
import { changesOf, settingsOf, TopicSettingsFields } from './TopicSettingsFields'

interface Props {
  workspaceId: string
  topic: Topic
  onClose: () => void
}

/** Changes a topic's settings. Mounted while it is open. */
export function ChangeTopic({ workspaceId, topic, onClose }: Props) {
  const before = settingsOf(topic.configuration)
  const [settings, setSettings] = useState(before)
  const change = useChangeTopic(workspaceId)
  const changes = changesOf(before, settings)
  const same = Object.values(changes).every((value) => value === null)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    change.mutate(
      {
        params: { path: { workspace_id: workspaceId, name: topic.name } },
        body: { ...changes, configuration: null },
      },
      {
        onSuccess: () => {
          notifications.show({ message: `${topic.name}: saved` })
          onClose()
        },
      },
    )
  }
  return (
    <Modal opened onClose={onClose} title={`Change ${topic.name}`}>
      <form onSubmit={submit}>
        <Stack gap="md">
          <TopicSettingsFields
            settings={settings}
            onChange={setSettings}
            least={topic.configuration.partitions}
            replicated={false}
          />
          {settings.partitions > before.partitions && (
            <Alert color="yellow">
              Messages with the same key can go to another partition from then on, and a topic never gets
              fewer partitions again.
            </Alert>
          )}
          <FormEnd
            error={change.error}
            onCancel={onClose}
            action="Save"
            pending={change.isPending}
            disabled={same}
          />
        </Stack>
      </form>
    </Modal>
  )
}
