import { Alert, Button, Code, Group, List, Stack, Text } from '@mantine/core'
import { IconCircleCheck } from '@tabler/icons-react'
import { useProfile } from '../../api/profile'
import { isAtLeast } from '../../api/role'
import type { Rotated as Answer, DeactivatedToken } from '../../api/schema'
import { useTokenUsage } from '../../api/usage'
import { ButtonLink, TextLink } from '../../components/links'
import { Time } from '../../components/Time'
import { useNow } from '../../components/useNow'
import { CutOff } from './CutOff'
import { identity } from './checklist'
import { leftBehind } from './leftBehind'

interface Props {
  workspaceId: string
  rotated: Answer
  /** In the audit log. */
  action?: string
  onClose: () => void
  undo?: { until: Date; show: () => void } | undefined
}

/** What a rotation did, and what is to be done now. */
export function Rotated({ workspaceId, rotated, action = 'token.rotated', onClose, undo }: Props) {
  const usage = useTokenUsage(workspaceId, { every: 5_000 }).data
  const isAuditor = isAtLeast(useProfile().role, 'Admin')
  const dead = rotated.allDeactivated
  const restart = usage ? leftBehind(usage, dead) : []
  const params = { workspaceId }
  return (
    <Stack gap="md">
      <Alert color="teal" icon={<IconCircleCheck aria-hidden />} role="status" title={headline(rotated)}>
        <List fz="sm" spacing={2}>
          {dead.map((token) => (
            <List.Item key={token.id}>
              <Fingerprint token={token} masked={usage?.tokens.find(({ id }) => id === token.id)?.masked} />
            </List.Item>
          ))}
          <List.Item>
            Token 1 is now <Code>{rotated.current.masked}</Code>, Token 2 is{' '}
            <Code>{rotated.next.masked}</Code>. Generation {rotated.generation}.
          </List.Item>
        </List>
      </Alert>
      <CutOff workspaceId={workspaceId} rotated={rotated} />
      <div>
        <Text fz="sm" fw={600}>
          What to restart
        </Text>
        {restart.length === 0 ? (
          <Text fz="sm">Nothing that was seen: nobody used the old token lately, or all have moved.</Text>
        ) : (
          <>
            <Text fz="sm">
              These used the old token and stand still until they are restarted with a valid one:
            </Text>
            <List fz="sm" mt={4} spacing={2}>
              {restart.map((client) => (
                <List.Item key={identity(client)}>
                  <Code>{client.name}</Code>
                  {client.address && ` from ${client.address}`}, last used <Time at={client.lastUsedAt} />
                  {client.refused > 0 &&
                    `, refused ${client.refused === 1 ? 'once' : `${client.refused} times`} since`}
                </List.Item>
              ))}
            </List>
          </>
        )}
      </div>
      {isAuditor && (
        <Text fz="sm">
          <TextLink
            underline="always"
            to="/workspaces/$workspaceId/audit"
            params={params}
            search={{ action, target: dead[0]?.id }}
            fz="sm"
          >
            The record in the audit log
          </TextLink>
        </Text>
      )}
      <Group justify="flex-end" gap="xs">
        {undo && (
          <Button variant="default" onClick={undo.show}>
            <span>
              Undo… (<Left until={undo.until} />)
            </span>
          </Button>
        )}
        <ButtonLink
          variant="default"
          to="/workspaces/$workspaceId/broker-settings"
          params={params}
          onClick={onClose}
        >
          Get the new tokens
        </ButtonLink>
        <Button onClick={onClose}>Done</Button>
      </Group>
    </Stack>
  )
}

function headline({ cutOff, connectionsClosed: closed, allDeactivated }: Answer): string {
  const what = allDeactivated.length > 1 ? 'Both old tokens are dead' : 'The old token is dead'
  if (cutOff.state === 'pending') return `${what} on the API`
  return `${what} on API and broker, ${closed} ${closed === 1 ? 'connection' : 'connections'} closed`
}

function Fingerprint({ token, masked }: { token: DeactivatedToken; masked: string | undefined }) {
  return (
    <>
      The old token was <Code>{masked ?? token.id}</Code>, dead since{' '}
      <Time at={token.deactivatedAt} as="date" />.
    </>
  )
}

/** "59 min left". */
function Left({ until }: { until: Date }) {
  const minutes = Math.max(0, Math.ceil((until.getTime() - useNow()) / 60_000))
  return <>{minutes} min left</>
}
