import {
  Alert,
  Button,
  Code,
  Group,
  List,
  Modal,
  Skeleton,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core'
import { IconAlertOctagon } from '@tabler/icons-react'
import { useState } from 'react'
import { useEmergencyPreview } from '../../api/rotation'
import type { EmergencyPreview, EndingToken } from '../../api/schema'
import { Failed } from '../../components/Failed'
import { Time } from '../../components/Time'
import { Problem } from './Problem'
import type { RotationDialogProps } from './RotateDialog'
import { Rotated } from './Rotated'
import { Stale } from './Stale'

/** Replaces both tokens, because both may have leaked. */
export function EmergencyDialog(props: RotationDialogProps) {
  const { workspaceId, opened, onClose } = props
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={`Emergency rotation of ${workspaceId}`}
      size={640}
      closeOnClickOutside={false}
    >
      <Content {...props} />
    </Modal>
  )
}

function Content(props: RotationDialogProps) {
  const { workspaceId, rotation, onClose } = props
  const preview = useEmergencyPreview(workspaceId)
  if (rotation.rotated)
    return (
      <Rotated
        workspaceId={workspaceId}
        rotated={rotation.rotated}
        action="token.emergency_rotated"
        onClose={onClose}
      />
    )
  if (preview.data) return <Ask {...props} preview={preview.data} />
  if (preview.isError)
    return (
      <Failed
        what="What would break could not be asked"
        error={preview.error}
        retry={() => void preview.refetch()}
      />
    )
  return <Skeleton height={200} aria-hidden />
}

function Ask({
  workspaceId,
  rotation,
  onClose,
  preview,
}: RotationDialogProps & { preview: EmergencyPreview }) {
  const [seen, setSeen] = useState(preview.generation)
  const [reason, setReason] = useState('')
  const [typed, setTyped] = useState('')
  const isStale = preview.generation !== seen && !rotation.unknown && !rotation.isPending
  const lookAgain = () => {
    setSeen(preview.generation)
    rotation.reset()
  }
  const isSent = rotation.isPending || rotation.unknown !== undefined
  const isReady = typed.trim() === workspaceId && reason.trim() !== '' && !isStale
  return (
    <Stack gap="md">
      <Alert color="red" icon={<IconAlertOctagon aria-hidden />} title="Both tokens die at once">
        Every service of this workspace stops until it gets a new token. It is for the case that both tokens
        may have leaked, and it cannot be undone. If only one has, rotate: twice if it is Token 2.
      </Alert>
      {preview.tokens.map((ending) => (
        <Ending key={ending.token.id} ending={ending} isKnown={preview.connectionsKnown} />
      ))}
      <Textarea
        label="Reason"
        description="For the audit log. It is needed here."
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        disabled={isSent}
        maxLength={500}
        autosize
        minRows={1}
        data-autofocus
      />
      <TextInput
        label={`Type the workspace's id, ${workspaceId}, to confirm`}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        disabled={isSent}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
      />
      {isStale ? (
        <Stale seen={seen} now={preview.generation} onLookAgain={lookAgain} />
      ) : (
        <Problem rotation={rotation} />
      )}
      {!rotation.unknown && (
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} disabled={rotation.isPending}>
            Cancel
          </Button>
          <Button
            color="red"
            disabled={!isReady}
            loading={rotation.isPending}
            onClick={() => rotation.order({ expectedGeneration: seen, reason, force: true })}
          >
            Replace both tokens
          </Button>
        </Group>
      )}
    </Stack>
  )
}

const NAMED = 6

function Ending({ ending: { token, openConnections }, isKnown }: { ending: EndingToken; isKnown: boolean }) {
  return (
    <div>
      <Text fz="sm">
        <b>{token.label}</b> <Code>{token.masked}</Code>, last used <Time at={token.lastUsedAt} />
        {!isKnown
          ? '. Open connections are not known on Apache Kafka.'
          : openConnections.length === 0
            ? ', no open connections.'
            : '. These connections are closed:'}
      </Text>
      {openConnections.length > 0 && (
        <List fz="sm" mt={4} spacing={2}>
          {openConnections.slice(0, NAMED).map(({ address, clientId, software }) => (
            <List.Item key={address}>
              <Code>{clientId || software || 'a client'}</Code> from {address}
            </List.Item>
          ))}
          {openConnections.length > NAMED && <List.Item>and {openConnections.length - NAMED} more</List.Item>}
        </List>
      )}
    </div>
  )
}
