import { Badge, Button, Group, Text, Tooltip } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconDevices } from '@tabler/icons-react'
import { useState } from 'react'
import { useEndSession, useSessions } from '../../api/profile'
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
  const end = useEndSession()
  const [ending, setEnding] = useState<Session>()
  const confirm = async (id: string) => {
    await end.mutateAsync({ params: { path: { id } } })
    notifications.show({ message: 'The session has ended.', color: 'teal' })
  }
  return (
    <Section
      title="Sessions"
      description="Where you are signed in. End what you do not know, and change the password then."
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
          columns={columns(setEnding)}
          rows={sessions.data}
          rowKey={(session) => session.id}
          empty={<Empty icon={<IconDevices />} title="No session" />}
        />
      )}
      <ConfirmDialog
        opened={ending !== undefined}
        onClose={() => setEnding(undefined)}
        title="End the session"
        action="End it"
        onConfirm={() => confirm(ending?.id ?? '')}
      >
        {ending?.userAgent ? browser(ending.userAgent) : 'The program'} at{' '}
        {ending?.address ?? 'an unknown address'} is signed out at once. To go on there, somebody has to give
        the password again.
      </ConfirmDialog>
    </Section>
  )
}
