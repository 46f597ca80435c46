import { Alert, Divider, Group, NumberInput, Paper, Stack, Switch, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { type FormEvent, useState } from 'react'
import { sentence } from '../../api/error'
import { isAtLeast } from '../../api/role'
import type { Role, WorkspaceSettings } from '../../api/schema'
import { useChangeSettings } from '../../api/settings'
import { RoleButton } from '../../components/RoleButton'
import { Section } from '../../components/Section'

const [WINDOW_MAX, UNDO_MAX, UNDO_USUAL] = [43_200, 1440, 60]

interface Props {
  workspaceId: string
  settings: WorkspaceSettings
  role: Role | undefined
}

/** The settings that have to do with rotations. Everybody reads them, Admins change them. */
export function RotationSettings({ workspaceId, settings, role }: Props) {
  const saved = {
    window: settings.safeToRotateMinutes as number | string,
    canUndo: Boolean(settings.undoMinutes),
    undo: (settings.undoMinutes ?? UNDO_USUAL) as number | string,
    anyId: settings.anyTransactionalId ?? false,
  }
  // Only what was changed here: what somebody else changes meanwhile is seen, and not overwritten.
  const [changes, setChanges] = useState<Partial<typeof saved>>({})
  const form = { ...saved, ...changes }
  const change = useChangeSettings()
  const isAdmin = role !== undefined && isAtLeast(role, 'Admin')
  const isValid = within(form.window, WINDOW_MAX) && (!form.canUndo || within(form.undo, UNDO_MAX))
  const isChanged = (Object.keys(saved) as (keyof typeof saved)[]).some((key) => form[key] !== saved[key])
  const set = (part: Partial<typeof saved>) => setChanges((before) => ({ ...before, ...part }))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!isValid || !isChanged) return
    const body = {
      ...(form.window !== saved.window && { safeToRotateMinutes: Number(form.window) }),
      ...((form.canUndo !== saved.canUndo || (form.canUndo && form.undo !== saved.undo)) && {
        undoMinutes: form.canUndo ? Number(form.undo) : null,
      }),
      ...(form.anyId !== saved.anyId && { anyTransactionalId: form.anyId }),
    }
    change.mutate(
      { params: { path: { workspace_id: workspaceId } }, body },
      {
        onSuccess: () => {
          setChanges({})
          notifications.show({ message: 'Saved', color: 'teal' })
        },
      },
    )
  }
  return (
    <Section
      title="Rotation"
      description={role === undefined || isAdmin ? undefined : 'Admins of this workspace can change this.'}
    >
      <Paper withBorder p="lg" component="form" onSubmit={submit}>
        <Stack gap="lg">
          <NumberInput
            label="Token 1 counts as in use for"
            description="Minutes after its last use. Set it longer than the longest pause of your jobs: a program that runs once a day is seen once a day, and needs 1440."
            suffix=" min"
            min={1}
            max={WINDOW_MAX}
            allowDecimal={false}
            clampBehavior="none"
            value={form.window}
            onChange={(window) => set({ window })}
            error={within(form.window, WINDOW_MAX) ? undefined : `1 to ${WINDOW_MAX} minutes`}
            readOnly={!isAdmin}
            inputWrapperOrder={['label', 'description', 'input', 'error']}
            styles={{ wrapper: { maxWidth: 180 } }}
          />
          <Divider />
          <Switch
            label="Let a rotation be undone for a while"
            description="Brings the old Token 1 back as Token 2, as long as nobody was shown the fresh Token 2. Meanwhile the dead token is kept, encrypted."
            checked={form.canUndo}
            onChange={(event) => isAdmin && set({ canUndo: event.currentTarget.checked })}
            aria-readonly={!isAdmin}
          />
          {form.canUndo && (
            <NumberInput
              label="For how long"
              suffix=" min"
              min={1}
              max={UNDO_MAX}
              allowDecimal={false}
              clampBehavior="none"
              value={form.undo}
              onChange={(undo) => set({ undo })}
              error={within(form.undo, UNDO_MAX) ? undefined : `1 to ${UNDO_MAX} minutes`}
              readOnly={!isAdmin}
              ml={48}
              styles={{ wrapper: { maxWidth: 180 } }}
            />
          )}
          <Divider />
          <Switch
            label="Allow any transactional id"
            description="Only on Apache Kafka. A token may use transactional ids that begin with the workspace's id; quixstreams 2.7 to 3.19 make others, and need this."
            checked={form.anyId}
            onChange={(event) => isAdmin && set({ anyId: event.currentTarget.checked })}
            aria-readonly={!isAdmin}
          />
          {form.anyId && (
            <Alert color="yellow" title="Its price">
              All workspaces that allow this share one name space: whoever knows a transactional id of another
              one can stop its producer and abort what it has open. Records stay out of reach.
            </Alert>
          )}
          {change.isError && (
            <Alert color="red" role="alert" title="Not saved">
              {sentence(change.error)}
            </Alert>
          )}
          <Group justify="space-between" gap="sm">
            <Text fz="sm" c="dimmed">
              {isChanged ? 'Not saved yet.' : ''}
            </Text>
            <RoleButton
              own={role}
              needs="Admin"
              because={
                !isChanged ? 'Nothing is changed.' : !isValid ? 'A number is out of its bounds.' : null
              }
              type="submit"
              loading={change.isPending}
            >
              Save
            </RoleButton>
          </Group>
        </Stack>
      </Paper>
    </Section>
  )
}

function within(value: number | string, most: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most
}
