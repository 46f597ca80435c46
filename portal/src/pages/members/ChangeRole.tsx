import { Alert, Modal, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useGiveRole } from '../../api/members'
import { isAtLeast } from '../../api/role'
import type { Role } from '../../api/schema'
import { FormEnd } from '../../components/FormEnd'
import { RolePicker } from './RolePicker'

/** Whose role is changed, and what it is now. */
export interface Subject {
  userId: string
  email: string
  name?: string | null
  role: Role
}

interface Props {
  subject: Subject | undefined
  /** Nothing: in the organisation. */
  workspaceId?: string
  /** The role of whoever gives. */
  own: Role
  /** Whether it is one's own role. */
  you: boolean
  onClose: () => void
}

/** Gives somebody another role. What the server refuses stands in the dialog: the last Admin keeps his. */
export function ChangeRole({ subject, onClose, ...rest }: Props) {
  return (
    <Modal
      opened={subject !== undefined}
      onClose={onClose}
      title={`Role of ${subject?.name ?? subject?.email ?? ''}`}
    >
      {subject && <Form subject={subject} onClose={onClose} {...rest} />}
    </Modal>
  )
}

function Form({ subject, workspaceId, own, you, onClose }: Props & { subject: Subject }) {
  const [role, setRole] = useState(subject.role)
  const give = useGiveRole(workspaceId)
  const less = !isAtLeast(role, subject.role)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        give.mutate({ userId: subject.userId, role }, { onSuccess: onClose })
      }}
    >
      <Stack gap="md">
        <Text fz="sm" c="dimmed">
          {workspaceId === undefined
            ? 'It counts in every workspace that does not give another one.'
            : `It counts in ${workspaceId}, whatever the role in the organisation is.`}
        </Text>
        <RolePicker own={own} value={role} onChange={setRole} none />
        {you && less && (
          <Alert color="yellow">This is your own role: you cannot give it back to yourself.</Alert>
        )}
        <FormEnd
          error={give.error}
          onCancel={onClose}
          action="Give this role"
          pending={give.isPending}
          disabled={role === subject.role}
        />
      </Stack>
    </form>
  )
}
