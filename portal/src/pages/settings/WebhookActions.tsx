import { ActionIcon, Button, Menu, Modal } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconDots } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { sentence } from '../../api/error'
import type { Webhook } from '../../api/schema'
import { useChangeWebhook, useDeleteWebhook, useRotateSecret, useTestWebhook } from '../../api/webhooks'
import { ConfirmDialog } from '../../components/ConfirmDialog'
import { WebhookForm } from './WebhookForm'
import { WebhookSecret } from './WebhookSecret'

type Open = 'change' | 'secret' | 'delete'

/** Tests a webhook, changes it, gives it another secret, ends it. */
export function WebhookActions({ webhook }: { webhook: Webhook }) {
  const [open, setOpen] = useState<Open>()
  const [secret, setSecret] = useState<string>()
  const [test, change, remove, rotate] = [
    useTestWebhook(),
    useChangeWebhook(),
    useDeleteWebhook(),
    useRotateSecret(),
  ]
  const navigate = useNavigate()
  const { workspaceId, enabled } = webhook
  const params = { path: { workspace_id: workspaceId, webhook_id: webhook.id } }
  const close = () => {
    change.reset()
    setOpen(undefined)
  }
  const failed = (title: string) => (error: unknown) =>
    notifications.show({ color: 'red', title, message: sentence(error), autoClose: false })
  const turn = () =>
    change.mutate({ params, body: { enabled: !enabled } }, { onError: failed('Nothing was changed') })
  return (
    <>
      <Button
        loading={test.isPending}
        onClick={() => test.mutate({ params }, { onError: failed('The test was not sent') })}
      >
        Send a test
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label="More">
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => setOpen('change')}>Change…</Menu.Item>
          <Menu.Item onClick={turn}>{enabled ? 'Disable' : 'Enable'}</Menu.Item>
          <Menu.Item onClick={() => setOpen('secret')}>Another secret…</Menu.Item>
          <Menu.Divider />
          <Menu.Item c="var(--mantine-color-red-text)" onClick={() => setOpen('delete')}>
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={open === 'change'} onClose={close} title="Change the webhook" size={560}>
        <WebhookForm
          url={webhook.url}
          events={webhook.events}
          action="Save"
          pending={change.isPending}
          error={change.error}
          onCancel={close}
          onSubmit={(body) => change.mutate({ params, body }, { onSuccess: close })}
        />
      </Modal>
      <ConfirmDialog
        opened={open === 'secret'}
        onClose={close}
        title="Give the webhook another secret"
        action="Make another secret"
        onConfirm={async () => {
          const created = await rotate.mutateAsync({ params })
          // Kept in this component and nowhere else.
          rotate.reset()
          setSecret(created.secret)
        }}
      >
        For 24 hours deliveries are signed with the old secret as well, so that you can give the new one to
        the receiver. Doing this again within that time ends the oldest at once.
      </ConfirmDialog>
      <Modal
        opened={secret !== undefined}
        onClose={() => undefined}
        withCloseButton={false}
        closeOnEscape={false}
        title="The new secret"
        size={560}
      >
        {secret !== undefined && <WebhookSecret secret={secret} onDone={() => setSecret(undefined)} />}
      </Modal>
      <ConfirmDialog
        opened={open === 'delete'}
        onClose={close}
        title="Delete the webhook"
        action="Delete this webhook"
        onConfirm={async () => {
          await remove.mutateAsync({ params })
          void navigate({ to: '/workspaces/$workspaceId/settings', params: { workspaceId } })
        }}
      >
        {webhook.url} is told nothing any more. What waits for it and the log of its deliveries go.
      </ConfirmDialog>
    </>
  )
}
