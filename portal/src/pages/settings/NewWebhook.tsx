import { Modal } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { CreatedWebhook } from '../../api/schema'
import { useCreateWebhook } from '../../api/webhooks'
import { WebhookForm } from './WebhookForm'
import { WebhookSecret } from './WebhookSecret'

interface Props {
  workspaceId: string
  opened: boolean
  onClose: () => void
}

/** Makes a webhook, shows its secret once, and leads to its page. */
export function NewWebhook({ workspaceId, opened, onClose }: Props) {
  const [created, setCreated] = useState<CreatedWebhook>()
  const create = useCreateWebhook()
  const navigate = useNavigate()
  const close = () => {
    // The secret goes by "Done" alone, or by a click beside the dialog nobody would ever have seen it.
    if (created || create.isPending) return
    create.reset()
    onClose()
  }
  const done = () => {
    const webhookId = created?.webhook.id ?? ''
    setCreated(undefined)
    onClose()
    void navigate({
      to: '/workspaces/$workspaceId/settings/webhooks/$webhookId',
      params: { workspaceId, webhookId },
    })
  }
  return (
    <Modal
      opened={opened}
      onClose={close}
      withCloseButton={!created}
      title={created ? 'The webhook is made' : 'Add a webhook'}
      size={560}
    >
      {created ? (
        <WebhookSecret secret={created.secret} onDone={done} />
      ) : (
        <WebhookForm
          action="Add"
          pending={create.isPending}
          error={create.error}
          onCancel={close}
          onSubmit={(body) =>
            create.mutate(
              { params: { path: { workspace_id: workspaceId } }, body },
              {
                onSuccess: (answer) => {
                  setCreated(answer)
                  // Kept in this component and nowhere else.
                  create.reset()
                },
              },
            )
          }
        />
      )}
    </Modal>
  )
}
