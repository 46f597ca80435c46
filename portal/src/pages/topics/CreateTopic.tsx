import { Code, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { useCreateTopic } from '../../api/topics'
import { FormEnd } from '../../components/FormEnd'
import { whyNotTopic } from './settings'
import { settingsOf, TopicSettingsFields, toApi } from './TopicSettingsFields'

interface Props {
  workspaceId: string
  /** On Apache Kafka copies can be asked for. */
  kafka: boolean
  /** The names that are known to exist. */
  taken: string[]
  opened: boolean
  onClose: () => void
}

/** What a topic gets that nobody decides otherwise about. */
const DEFAULTS = {
  partitions: 1,
  retentionInMinutes: 7 * 1440,
  retentionInBytes: -1,
  cleanupPolicy: 'Delete',
}

/** Creates a topic, and goes to it. */
export function CreateTopic({ opened, onClose, ...form }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title="Create a topic">
      <Form {...form} onClose={onClose} />
    </Modal>
  )
}

function Form({ workspaceId, kafka, taken, onClose }: Omit<Props, 'opened'>) {
  const [name, setName] = useState('')
  const [settings, setSettings] = useState(() => settingsOf(DEFAULTS))
  const create = useCreateTopic(workspaceId)
  const navigate = useNavigate()
  const refusal = whyNotTopic(name, workspaceId, taken)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (name === '' || refusal !== undefined) return
    create.mutate(
      { params: { path: { workspace_id: workspaceId } }, body: { name, configuration: toApi(settings) } },
      {
        onSuccess: (topic) =>
          void navigate({
            to: '/workspaces/$workspaceId/topics/$topic',
            params: { workspaceId, topic: topic.name },
          }),
      },
    )
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput
          label="Name"
          description="Letters, digits, '.', '_' and '-'. It stays for good."
          placeholder="orders"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={refusal}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          data-autofocus
        />
        {name !== '' && refusal === undefined && (
          <Text fz="sm" c="dimmed">
            On the broker it is called{' '}
            <Code style={{ overflowWrap: 'anywhere' }}>
              {workspaceId}-{name}
            </Code>
            .
          </Text>
        )}
        <TopicSettingsFields settings={settings} onChange={setSettings} least={1} replicated={kafka} />
        <FormEnd
          error={create.error}
          onCancel={onClose}
          action="Create the topic"
          pending={create.isPending}
          disabled={name === '' || refusal !== undefined}
        />
      </Stack>
    </form>
  )
}
