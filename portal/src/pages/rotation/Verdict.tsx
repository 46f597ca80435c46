import { Alert, Code, List, Text } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react'
import type { SafeToRotate } from '../../api/schema'

/**
 * Whether Token 1 may be rotated away, in the server's sentence, and what that sentence says nothing about. Brief: without the
 * names, where they are listed anyway.
 */
export function Verdict({ verdict, brief }: { verdict: SafeToRotate; brief?: boolean }) {
  const { safe, sentence, cannotSee } = verdict
  const Icon = safe ? IconCircleCheck : IconAlertTriangle
  return (
    // Not a live region: it changes each second.
    <Alert
      color={safe ? 'teal' : 'yellow'}
      icon={<Icon aria-hidden />}
      title={safe ? 'Safe to rotate' : 'Not safe to rotate yet'}
      aria-live="off"
      data-verdict={safe ? 'safe' : 'inUse'}
    >
      <Sentence text={brief && !safe ? `${sentence.split(':')[0]}.` : sentence} />
      {cannotSee.length > 0 && (
        <>
          <Text fz="sm" fw={600} mt="xs">
            What cannot be seen
          </Text>
          <List fz="sm" spacing={4} mt={4}>
            {cannotSee.map((each) => (
              <List.Item key={each}>
                <Sentence text={each} />
              </List.Item>
            ))}
          </List>
        </>
      )}
    </Alert>
  )
}

/** A sentence of the server, with the names in it, which stand between backticks, as such. */
export function Sentence({ text }: { text: string }) {
  const parts = text
    .split('`')
    .map((part, index) => ({ part, isName: index % 2 === 1, key: `${index} ${part}` }))
  return (
    <Text span fz="sm" style={{ overflowWrap: 'anywhere' }}>
      {parts.map(({ part, isName, key }) => (isName ? <Code key={key}>{part}</Code> : part))}
    </Text>
  )
}
