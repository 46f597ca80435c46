import { Badge, Button, Group, Text, Tooltip } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconDevices } from '@tabler/icons-react'
import { useState } from 'react'
import { useEndSessions, useSessions } from '../../api/profile'
import type { Session } from '../../api/schema'
import { ConfirmDialog } from '../../components/ConfirmDialog'
import { type Column, DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Failed } from '../../components/Failed'
import { Section } from '../../components/Section'
import { Time } from '../../components/Time'
import { browser } from './browser'

function columns(onEnd: (session: Session) => void): Column<Session>[] {
  return [
    {
      id: 'where',
      header: 'Where',
      cell: (session) => (
        <>
          <Group gap="xs">
            <Tooltip label={session.userAgent ?? ''} disabled={!session.userAgent}>
              <Text fz="sm" component="span" style={{ overflowWrap: 'anywhere' }}>
                {session.userAgent ? browser(session.userAgent) : 'Unknown program'}
              </Text>
            </Tooltip>
            {session.current && (
              <Badge variant="light" color="teal" tt="none" fw={500}>
                This one
              </Badge>
            )}
          </Group>
          <Text fz="xs" c="dimmed">
            {session.address ?? 'address unknown'}
          </Text>
        </>
      ),
    },
    { id: 'begun', header: 'Begun', wide: true, cell: (session) => <Time at={session.createdAt} /> },
    {
      id: 'used',
      header: 'Last used',
      cell: (session) =>
        session.current ? 'now' : <Time at={session.lastUsedAt} never="not since it was begun" />,
    },
    { id: 'ends', header: 'Ends', wide: true, cell: (session) => <Time at={session.expiresAt} /> },
    {
      id: 'end',
      header: '',
      align: 'right',
      width: 90,
      cell: (session) =>
        !session.current && (
          <Button
            size="xs"
            variant="default"
            aria-label={`End the session from ${session.address ?? 'an unknown address'}`}
            onClick={() => onEnd(session)}
          >
            End
          </Button>
        ),
    },
  ]
}

/** Where the account is signed in. */
export function Sessions() {
  const sessions = useSessions()
  const end = useEndSessions()
  const [ending, setEnding] = useState<Session[]>([])
  const others = sessions.data?.filter((session) => !session.current) ?? []
  const confirm = async () => {
    await end.mutateAsync(ending.map((session) => session.id))
    notifications.show({
      message: ending.length === 1 ? 'The session has ended.' : 'The sessions have ended.',
      color: 'teal',
    })
  }
  return (
    <Section
      title="Sessions"
      description="Where you are signed in. End what you do not know, and change the password then."
      action={
        others.length > 1 && (
          <Button variant="default" onClick={() => setEnding(others)}>
            End all others
          </Button>
        )
      }
    >
      {sessions.error && !sessions.data ? (
        <Failed
          what="The sessions could not be loaded"
          error={sessions.error}
          retry={() => void sessions.refetch()}
        />
      ) : (
        <DataTable
          label="Sessions"
          columns={columns((session) => setEnding([session]))}
          rows={sessions.data}
          rowKey={(session) => session.id}
          empty={<Empty icon={<IconDevices />} title="No session" />}
        />
      )}
      <ConfirmDialog
        opened={ending.length > 0}
        onClose={() => setEnding([])}
        title={ending.length > 1 ? `End ${ending.length} sessions` : 'End the session'}
        action={ending.length > 1 ? 'End them' : 'End it'}
        onConfirm={confirm}
      >
        {ending.length > 1 ? 'Everything but this browser' : programAt(ending[0])} is signed out at once. To
        go on there, somebody has to give the password again.
      </ConfirmDialog>
    </Section>
  )
}

function programAt(session: Session | undefined): string {
  const program = session?.userAgent ? browser(session.userAgent) : 'The program'
  return `${program} at ${session?.address ?? 'an unknown address'}`
}
