import { Alert, Button, Code, Paper, Stack, Table, Text } from '@mantine/core'
import { useState } from 'react'
import type { MasterKeys } from '../../api/schema'
import { useFinishKeys } from '../../api/system'
import { ConfirmDialog } from '../../components/ConfirmDialog'
import { Section } from '../../components/Section'
import { count } from '../usage/numbers'

/** The master key in use and, while it is being changed, what still needs the other one. */
export function MasterKey({ keys }: { keys: MasterKeys }) {
  const [asking, setAsking] = useState(false)
  const finish = useFinishKeys()
  const { key, previous, tokens, webhooks, personalAccessTokens, sessions } = keys
  const uses = [
    { what: 'SDK tokens', use: tokens, how: 'by themselves' },
    { what: 'Secrets of webhooks', use: webhooks, how: 'by themselves' },
    { what: 'Personal access tokens', use: personalAccessTokens, how: 'when they are used' },
    { what: 'Sessions', use: sessions, how: 'when they are used' },
  ]
  const left = uses.reduce((sum, { use }) => sum + use.left, 0)
  const canFinish = tokens.left + webhooks.left === 0
  return (
    <Section
      title="Master key"
      description="Everything secret in the database is under it. Back it up separately from the database."
    >
      <Stack gap="md">
        <Paper withBorder p="lg">
          <Text fz="sm">
            In use: <Code>{key}</Code>
            {previous ? (
              <>
                . It is being changed; the other one is <Code>{previous}</Code>.
              </>
            ) : (
              '. No other key is in use.'
            )}
          </Text>
          {previous && (
            <Table mt="sm">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>What</Table.Th>
                  <Table.Th ta="right">In all</Table.Th>
                  <Table.Th ta="right">Still under the other key</Table.Th>
                  <Table.Th>Come over</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {uses.map(({ what, use, how }) => (
                  <Table.Tr key={what}>
                    <Table.Td>{what}</Table.Td>
                    <Table.Td ta="right">{count(use.total)}</Table.Td>
                    <Table.Td ta="right">{count(use.left)}</Table.Td>
                    <Table.Td>{how}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
        </Paper>
        {previous && left === 0 && (
          <Alert color="teal" title="The change is complete">
            Nothing needs the other key any more: start the servers without it.
          </Alert>
        )}
        {previous && left > 0 && (
          <div>
            <Button variant="default" disabled={!canFinish} onClick={() => setAsking(true)}>
              End what still needs the other key…
            </Button>
            <Text fz="xs" c="dimmed" mt={4}>
              {canFinish
                ? 'Sessions and personal access tokens that nobody has used since the change.'
                : 'Possible as soon as all SDK tokens and webhooks have come over, which they do by themselves.'}
            </Text>
          </div>
        )}
      </Stack>
      <ConfirmDialog
        opened={asking}
        onClose={() => setAsking(false)}
        title="End what still needs the other key"
        action="End them"
        onConfirm={() => finish.mutateAsync({})}
      >
        {count(personalAccessTokens.left)} personal access tokens and {count(sessions.left)} sessions end at
        once. Their owners sign in again and make new tokens.
      </ConfirmDialog>
    </Section>
  )
}
