import { Select, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useCreatePat } from '../../api/profile'
import { ROLE_MEANING, ROLES } from '../../api/role'
import type { CreatedPat, Role } from '../../api/schema'
import { useWorkspaces } from '../../api/workspaces'
import { FormEnd } from '../../components/FormEnd'
import { wantsProof } from '../../components/useProof'

const DAY = 86_400_000
const LIFETIMES = [
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'A year' },
  { value: '', label: 'No end' },
]
const ROLE_OPTIONS = [
  { value: '', label: 'The same as mine' },
  ...ROLES.filter((role) => role !== 'None').map((role) => ({
    value: role,
    label: `${role}: ${ROLE_MEANING[role]}`,
  })),
]

interface Props {
  prove: <Answer>(action: () => Promise<Answer>) => Promise<Answer>
  onCreated: (pat: CreatedPat) => void
  onCancel: () => void
}

/** What a new token is for, how long it works and what it may do at most. */
export function PatForm({ prove, onCreated, onCancel }: Props) {
  const [name, setName] = useState('')
  const [days, setDays] = useState('90')
  const [workspaceId, setWorkspaceId] = useState<string | null>(null)
  const [role, setRole] = useState('')
  const [pending, setPending] = useState(false)
  const [error, setError] = useState<unknown>()
  const create = useCreatePat()
  const workspaces = useWorkspaces().data ?? []
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setPending(true)
    setError(undefined)
    const body = {
      name: name.trim(),
      ...(days !== '' && { expiresAt: new Date(Date.now() + Number(days) * DAY).toISOString() }),
      ...(workspaceId !== null && { workspaceId }),
      ...(role !== '' && { role: role as Role }),
    }
    try {
      const pat = await prove(() => create.mutateAsync(body))
      if (pat) onCreated(pat)
    } catch (refusal) {
      if (!wantsProof(refusal)) setError(refusal)
    } finally {
      setPending(false)
    }
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput
          label="Name"
          description="What it is for, so that you know later whether it can go."
          placeholder="ci"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={100}
          required
          withAsterisk={false}
          autoComplete="off"
          data-autofocus
        />
        <Select
          label="Works for"
          description={
            days === ''
              ? 'Somebody who finds it can use it until you delete it.'
              : 'After that it is refused; make a new one before.'
          }
          data={LIFETIMES}
          value={days}
          onChange={(value) => setDays(value ?? '')}
          allowDeselect={false}
        />
        <Select
          label="Workspace"
          description="One for a single workspace has no role in the organisation."
          placeholder="All of mine"
          data={workspaces.map((workspace) => ({
            value: workspace.workspaceId,
            label:
              workspace.name === workspace.workspaceId
                ? workspace.name
                : `${workspace.name} (${workspace.workspaceId})`,
          }))}
          value={workspaceId}
          onChange={setWorkspaceId}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': 'All of mine' }}
          limit={100}
          nothingFoundMessage="No workspace has that name"
        />
        <Select
          label="Role, at most"
          description="Its rights are those that both you and the token have."
          data={ROLE_OPTIONS}
          value={role}
          onChange={(value) => setRole(value ?? '')}
          allowDeselect={false}
        />
        <FormEnd
          error={error}
          onCancel={onCancel}
          action="Create the token"
          pending={pending}
          disabled={name.trim() === ''}
        />
      </Stack>
    </form>
  )
}
