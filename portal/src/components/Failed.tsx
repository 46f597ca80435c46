import { Alert, Button, Group, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { ApiError, sentence } from '../api/error'

interface Props {
  /** What was tried, as the beginning of a sentence: "The topics could not be loaded". */
  what: string
  error: unknown
  /** Tries it again. */
  retry?: () => void
}

/** A failure where its result would have been: what failed, why, and what to do. */
export function Failed({ what, error, retry }: Props) {
  const id = error instanceof ApiError ? error.correlationId : undefined
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={what} role="alert">
      <Text fz="sm">{sentence(error)}</Text>
      <Group mt="sm" gap="md">
        {retry && (
          <Button size="xs" variant="default" onClick={retry}>
            Try again
          </Button>
        )}
        {id && (
          <Text fz="xs" c="dimmed">
            For the operator: {id}
          </Text>
        )}
      </Group>
    </Alert>
  )
}
