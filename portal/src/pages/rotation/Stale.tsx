import { Alert, Button, Text } from '@mantine/core'
import { IconUsers } from '@tabler/icons-react'

interface Props {
  seen: number
  now: number
  onLookAgain: () => void
}

/** Somebody else has rotated while the dialog was open. */
export function Stale({ seen, now, onLookAgain }: Props) {
  return (
    <Alert
      color="yellow"
      icon={<IconUsers aria-hidden />}
      title="Somebody else has rotated in the meantime"
      role="alert"
    >
      <Text fz="sm">
        You opened this at generation {seen}; now it is {now}. The Token 1 that you were about to rotate away
        is gone already. Perhaps there is nothing left to do.
      </Text>
      <Button variant="default" size="xs" mt="sm" onClick={onLookAgain}>
        Rotate once more
      </Button>
    </Alert>
  )
}
