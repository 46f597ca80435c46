import { Modal, Skeleton, Stack } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import type { Rotation } from '../../api/rotation'
import { useTokenUsage } from '../../api/usage'
import { Failed } from '../../components/Failed'
import { AskRotation } from './AskRotation'
import { Rotated } from './Rotated'

/** What the three dialogs are given. */
export interface RotationDialogProps {
  workspaceId: string
  rotation: Rotation
  opened: boolean
  onClose: () => void
}

interface CanUndo {
  /** Until when, and the dialog for it. */
  undo: { until: Date; show: () => void } | undefined
}

/** Rotates Token 1 away: what will happen, who uses it, the order, and what came of it. */
export function RotateDialog({ undo, ...props }: RotationDialogProps & CanUndo) {
  const { workspaceId, rotation, opened, onClose } = props
  const narrow = useMediaQuery('(max-width: 48em)')
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={rotation.rotated ? `Rotated: ${workspaceId}` : `Rotate the tokens of ${workspaceId}`}
      size={760}
      fullScreen={narrow ?? false}
      closeOnClickOutside={false}
    >
      <Content {...props} undo={undo} />
    </Modal>
  )
}

/** Only mounted while the dialog is open. */
function Content({ workspaceId, rotation, onClose, undo }: RotationDialogProps & CanUndo) {
  const usage = useTokenUsage(workspaceId, { every: 5_000 })
  if (rotation.rotated)
    return <Rotated workspaceId={workspaceId} rotated={rotation.rotated} onClose={onClose} undo={undo} />
  if (usage.data)
    return <AskRotation workspaceId={workspaceId} usage={usage.data} rotation={rotation} onClose={onClose} />
  if (usage.isError)
    return (
      <Failed
        what="Who uses the tokens could not be asked, so nothing can be rotated"
        error={usage.error}
        retry={() => void usage.refetch()}
      />
    )
  return (
    <Stack aria-hidden>
      <Skeleton height={88} />
      <Skeleton height={64} />
      <Skeleton height={160} />
    </Stack>
  )
}
