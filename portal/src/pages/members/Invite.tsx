import { Modal, Select, Stack, Text, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useInvite } from '../../api/invitations'
import type { CreatedInvitation, Role } from '../../api/schema'
import { FormEnd } from '../../components/FormEnd'
import { SecretOnce } from '../../components/SecretOnce'
import { RolePicker } from './RolePicker'

const DAYS = [
  { value: '1', label: '1 day' },
  { value: '3', label: '3 days' },
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
]

interface Props {
  opened: boolean
  onClose: () => void
  /** Nothing: into the organisation. */
  workspaceId?: string
  /** The role of whoever invites. */
  own: Role
}

/** Invites somebody, and shows the link, once. */
export function Invite({ opened, onClose, workspaceId, own }: Props) {
  const [created, setCreated] = useState<CreatedInvitation>()
  const done = () => {
    setCreated(undefined)
    onClose()
  }
  const where = workspaceId === undefined ? 'the organisation' : workspaceId
  return (
    <Modal
      opened={opened}
      onClose={done}
      title={created ? 'The invitation is made' : `Invite somebody into ${where}`}
      // A link that is shown once does not go by a slip of the hand.
      closeOnEscape={created === undefined}
      closeOnClickOutside={created === undefined}
      withCloseButton={created === undefined}
    >
      {created ? (
        <SecretOnce
          label={`Link for ${created.invitation.email}`}
          value={created.link}
          copy="Copy the link"
          stored={created.emailed ? 'I do not need it here any longer' : 'I have copied it'}
          onDone={done}
        >
          {mailed(created)} It works once, and only for this address.
        </SecretOnce>
      ) : (
        <Form workspaceId={workspaceId} own={own} onCreated={setCreated} onCancel={done} />
      )}
    </Modal>
  )
}

function mailed({ emailed }: CreatedInvitation): string {
  if (emailed) return 'It was sent by e-mail as well.'
  if (emailed === false) return 'The e-mail could not be sent: hand the link over yourself.'
  return 'This server sends no e-mail: hand the link over yourself.'
}

interface FormProps {
  workspaceId: string | undefined
  own: Role
  onCreated: (invitation: CreatedInvitation) => void
  onCancel: () => void
}

function Form({ workspaceId, own, onCreated, onCancel }: FormProps) {
  const [email, setEmail] = useState('')
  const [role, setRole] = useState<Role>('Viewer')
  const [days, setDays] = useState('7')
  const invite = useInvite(workspaceId)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const body = { email: email.trim(), role, expiresInDays: Number(days) }
    invite.mutate(body, { onSuccess: (created) => created && onCreated(created) })
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput
          label="E-mail address"
          description="Nobody else can accept. Whoever has an account already accepts with it."
          type="email"
          placeholder="ada@example.org"
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          required
          withAsterisk={false}
          autoComplete="off"
          data-autofocus
        />
        <RolePicker own={own} value={role} onChange={setRole} />
        <Select
          label="The link works for"
          data={DAYS}
          value={days}
          onChange={(value) => setDays(value ?? '7')}
          allowDeselect={false}
        />
        <Text fz="xs" c="dimmed">
          A new invitation takes the place of an open one for the same address.
        </Text>
        <FormEnd
          error={invite.error}
          onCancel={onCancel}
          action="Make the invitation"
          pending={invite.isPending}
          disabled={email.trim() === ''}
        />
      </Stack>
    </form>
  )
}
