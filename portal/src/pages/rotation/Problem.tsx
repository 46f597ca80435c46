import { Alert, Button, Text } from '@mantine/core'
import { IconAlertTriangle, IconHelp } from '@tabler/icons-react'
import { ApiError, sentence } from '../../api/error'
import type { Rotation } from '../../api/rotation'

/** Why a rotation was refused; or that nobody knows whether it happened, and the one thing to do then. */
export function Problem({ rotation }: { rotation: Rotation }) {
  if (rotation.unknown)
    return (
      <Alert
        color="yellow"
        icon={<IconHelp aria-hidden />}
        title="It is not known whether it happened"
        role="alert"
      >
        <Text fz="sm">
          {sentence(rotation.unknown)} Ask again: it is the same request with the same key, so however often
          it is sent, nothing is rotated twice.
        </Text>
        <Button size="xs" mt="sm" onClick={rotation.askAgain} loading={rotation.isPending}>
          Ask again
        </Button>
      </Alert>
    )
  if (!rotation.refusal) return null
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title="Nothing was changed" role="alert">
      <Text fz="sm">{words(rotation.refusal)}</Text>
    </Alert>
  )
}

function words(refusal: unknown): string {
  if (refusal instanceof ApiError && refusal.code === 'TokenInUse')
    return 'Somebody used Token 1 just now. Move what is listed to Token 2, or choose to rotate anyway.'
  return sentence(refusal).replace(/^Nothing was changed: (.)/, (_, first: string) => first.toUpperCase())
}
