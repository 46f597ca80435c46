import { Text } from '@mantine/core'
import type { Delivery } from '../../api/schema'
import { Time } from '../../components/Time'

/** What the receiver said last, and when it is asked again. */
export function LastAnswer({ delivery }: { delivery: Delivery }) {
  const { lastStatus, lastError, state, nextAttemptAt } = delivery
  return (
    <Text fz="sm" lineClamp={3} style={{ overflowWrap: 'anywhere' }}>
      {[lastStatus, lastError].filter(Boolean).join(': ') || '–'}
      {state === 'pending' && nextAttemptAt && (
        <>
          {' '}
          (again <Time at={nextAttemptAt} />)
        </>
      )}
    </Text>
  )
}
