import { Alert } from '@mantine/core'
import { sentence } from '../api/error'

/** Why what was asked for was not done, where it was asked for; nothing while there is no error. */
export function Refused({ error }: { error: unknown }) {
  if (error === undefined || error === null) return null
  return (
    <Alert color="red" role="alert">
      {sentence(error)}
    </Alert>
  )
}
