import { ActionIcon, Group, Menu } from '@mantine/core'
import { IconChevronDown, IconRefresh } from '@tabler/icons-react'
import { useState } from 'react'
import { type RotationKind, useRotation } from '../../api/rotation'
import { useRole } from '../../api/workspaces'
import { RoleButton, RoleMenuItem } from '../../components/RoleButton'
import { EmergencyDialog } from './EmergencyDialog'
import { RotateDialog } from './RotateDialog'
import { UndoDialog } from './UndoDialog'
import { useUndo } from './useUndo'

/** Rotates the tokens of a workspace; beside it stand the emergency rotation and the undoing of the last one. Admins only. */
export function RotateButton({
  workspaceId,
  variant = 'filled',
}: {
  workspaceId: string
  variant?: 'filled' | 'default'
}) {
  const role = useRole(workspaceId)
  const [open, setOpen] = useState<RotationKind>()
  const undo = useUndo(workspaceId)
  // They outlive the dialogs: whoever closes one without an answer finds the same request when he opens it again.
  const rotations = {
    normal: useRotation(workspaceId, 'normal'),
    emergency: useRotation(workspaceId, 'emergency'),
    undo: useRotation(workspaceId, 'undo'),
  }
  const show = (kind: RotationKind) => {
    if (!rotations[kind].unknown) rotations[kind].reset()
    setOpen(kind)
  }
  const dialog = (kind: RotationKind) => ({
    workspaceId,
    rotation: rotations[kind],
    opened: open === kind,
    onClose: () => {
      // What has been sent cannot be called back: the answer is waited for.
      if (!rotations[kind].isPending) setOpen(undefined)
    },
  })
  return (
    <>
      <Group gap={0} wrap="nowrap">
        <RoleButton
          own={role}
          needs="Admin"
          variant={variant}
          leftSection={<IconRefresh size={16} aria-hidden />}
          onClick={() => show('normal')}
          style={{ borderStartEndRadius: 0, borderEndEndRadius: 0 }}
        >
          Rotate…
        </RoleButton>
        <Menu position="bottom-end" width={280}>
          <Menu.Target>
            <ActionIcon
              variant={role === 'Admin' ? variant : 'default'}
              size={36}
              aria-label="Other ways to rotate"
              style={{ borderStartStartRadius: 0, borderEndStartRadius: 0, marginInlineStart: 1 }}
            >
              <IconChevronDown size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <RoleMenuItem
              own={role}
              needs="Admin"
              c="var(--mantine-color-red-text)"
              onClick={() => show('emergency')}
            >
              Emergency rotation…
            </RoleMenuItem>
            <RoleMenuItem own={role} needs="Admin" because={undo.because} onClick={() => show('undo')}>
              Undo the last rotation…
            </RoleMenuItem>
          </Menu.Dropdown>
        </Menu>
      </Group>
      <RotateDialog
        {...dialog('normal')}
        undo={undo.until && { until: undo.until, show: () => show('undo') }}
      />
      <EmergencyDialog {...dialog('emergency')} />
      <UndoDialog {...dialog('undo')} />
    </>
  )
}
