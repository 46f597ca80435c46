import { Button, Code, Group, List, Modal, Skeleton, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { TokenUsage } from '../../api/schema'
import { useTokenUsage } from '../../api/usage'
import { Time } from '../../components/Time'
import { CutOff } from './CutOff'
import { tokenOf } from './checklist'
import { Problem } from './Problem'
import { Reason } from './Reason'
import type { RotationDialogProps } from './RotateDialog'
import { Stale } from './Stale'
import { useUndo } from './useUndo'

/** Brings the deactivated Token 1 back as Token 2, after a rotation by mistake. */
export function UndoDialog(props: RotationDialogProps) {
  const { opened, onClose } = props
  return (
    <Modal opened={opened} onClose={onClose} title="Undo the last rotation" size={560}>
      <Content {...props} />
    </Modal>
  )
}

function Content(props: RotationDialogProps) {
  const { workspaceId, rotation, onClose } = props
  const usage = useTokenUsage(workspaceId).data
  if (rotation.rotated)
    return (
      <Stack gap="md">
        <Text fz="sm" role="status">
          The rotation is undone. The old Token 1 is valid again, as Token 2:{' '}
          <Code>{rotation.rotated.next.masked}</Code>. Restart what was refused meanwhile.
        </Text>
        <CutOff workspaceId={workspaceId} rotated={rotation.rotated} />
        <Group justify="flex-end">
          <Button onClick={onClose}>Done</Button>
        </Group>
      </Stack>
    )
  return usage ? <Ask {...props} usage={usage} /> : <Skeleton height={120} aria-hidden />
}

function Ask({ workspaceId, rotation, onClose, usage }: RotationDialogProps & { usage: TokenUsage }) {
  const [seen, setSeen] = useState(usage.generation)
  const [reason, setReason] = useState('')
  const { until } = useUndo(workspaceId)
  const isStale = usage.generation !== seen && !rotation.unknown && !rotation.isPending
  const back = usage.tokens
    .filter((token) => token.deactivatedAt)
    .toSorted((left, right) => (right.deactivatedAt ?? '').localeCompare(left.deactivatedAt ?? ''))[0]
  return (
    <Stack gap="md">
      <List fz="sm" spacing={4}>
        <List.Item>
          The old Token 1
          {back && (
            <>
              {' '}
              <Code>{back.masked}</Code>
            </>
          )}{' '}
          is valid again, as Token 2.
        </List.Item>
        <List.Item>
          The fresh Token 2 <Code>{tokenOf(usage, 'Token 2')?.masked}</Code> dies. That is only possible while
          nobody was shown it.
        </List.Item>
        <List.Item>
          Token 1 <Code>{tokenOf(usage, 'Token 1')?.masked}</Code> stays.
        </List.Item>
      </List>
      {until && (
        <Text fz="sm" c="dimmed">
          Possible until <Time at={until.toISOString()} as="date" /> (<Time at={until.toISOString()} />
          ).
        </Text>
      )}
      <Reason value={reason} onChange={setReason} rotation={rotation} />
      {isStale ? (
        <Stale seen={seen} now={usage.generation} onLookAgain={() => setSeen(usage.generation)} />
      ) : (
        <Problem rotation={rotation} />
      )}
      {!rotation.unknown && (
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} disabled={rotation.isPending}>
            Cancel
          </Button>
          <Button
            disabled={isStale}
            loading={rotation.isPending}
            onClick={() => rotation.order({ expectedGeneration: seen, reason, force: false })}
          >
            Undo the rotation
          </Button>
        </Group>
      )}
    </Stack>
  )
}
