import { Checkbox, Code, Paper, Text } from '@mantine/core'
import type { TokenClient } from '../../api/schema'
import { identity } from './checklist'

interface Props {
  /** Who uses Token 1 and has not moved. */
  breaking: TokenClient[]
  agreed: boolean
  /** It was agreed to, but to a shorter list. */
  wasAgreed: boolean
  onChange: (agreed: boolean) => void
}

const NAMED = 8

/** The deliberate choice to rotate although Token 1 is in use, which names those that stop. */
export function Anyway({ breaking, agreed, wasAgreed, onChange }: Props) {
  return (
    <Paper withBorder p="sm">
      <Checkbox
        color="red"
        label="Rotate anyway, although Token 1 is in use"
        checked={agreed}
        onChange={(event) => onChange(event.currentTarget.checked)}
        description={
          breaking.length === 0
            ? 'All that was seen has moved to Token 2. Whoever is left unseen stops at once.'
            : 'These stop at once, until they are restarted with a valid token:'
        }
      />
      {breaking.length > 0 && (
        <Text fz="sm" mt={4} ml={32} style={{ overflowWrap: 'anywhere' }}>
          {breaking.slice(0, NAMED).map((client, index) => (
            <span key={identity(client)}>
              {index > 0 && ', '}
              <Code>{client.name}</Code>
              {client.via === 'api' && ' (API)'}
            </span>
          ))}
          {breaking.length > NAMED && ` and ${breaking.length - NAMED} more`}
        </Text>
      )}
      {wasAgreed && !agreed && (
        <Text fz="sm" mt={6} ml={32} fw={600} role="status">
          Another client has come since you chose this. Look at the list again.
        </Text>
      )}
    </Paper>
  )
}
