import { Badge, Box, Group, Switch, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconMailOpened } from '@tabler/icons-react'
import { useState } from 'react'
import { useInvitations, useWithdraw } from '../../api/invitations'
import type { Invitation, Role } from '../../api/schema'
import { ConfirmDialog } from '../../components/ConfirmDialog'
import { type Column, DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Failed } from '../../components/Failed'
import { RoleButton } from '../../components/RoleButton'
import { Section } from '../../components/Section'
import { Time } from '../../components/Time'

const COLORS = { Open: 'blue', Accepted: 'teal', Revoked: 'gray', Expired: 'gray' }
const WORDS = { Open: 'Open', Accepted: 'Accepted', Revoked: 'Withdrawn', Expired: 'Expired' }

function columns(own: Role, onWithdraw: (invitation: Invitation) => void): Column<Invitation>[] {
  return [
    {
      id: 'email',
      header: 'For',
      sortBy: (invitation) => invitation.email,
      cell: (invitation) => (
        <Box miw={110} style={{ overflowWrap: 'anywhere' }}>
          {invitation.email}
          <Box hiddenFrom="sm">
            <State invitation={invitation} />
          </Box>
        </Box>
      ),
    },
    { id: 'role', header: 'As', cell: (invitation) => invitation.role },
    {
      id: 'by',
      header: 'Invited by',
      wide: true,
      cell: (invitation) => (
        <Box miw={140} style={{ overflowWrap: 'anywhere' }}>
          {invitation.invitedBy ?? 'an account that is gone'}
        </Box>
      ),
    },
    {
      id: 'made',
      header: 'Made',
      wide: true,
      sortBy: (invitation) => invitation.createdAt,
      cell: (invitation) => (
        <Text span inherit style={{ whiteSpace: 'nowrap' }}>
          <Time at={invitation.createdAt} />
        </Text>
      ),
    },
    {
      id: 'state',
      header: 'State',
      wide: true,
      sortBy: (invitation) => invitation.state,
      cell: (invitation) => <State invitation={invitation} />,
    },
    {
      id: 'withdraw',
      header: '',
      align: 'right',
      width: 100,
      cell: (invitation) =>
        invitation.state === 'Open' && (
          <RoleButton
            own={own}
            needs={invitation.role}
            size="xs"
            variant="default"
            aria-label={`Withdraw the invitation of ${invitation.email}`}
            onClick={() => onWithdraw(invitation)}
          >
            Withdraw
          </RoleButton>
        ),
    },
  ]
}

function State({ invitation: { state, expiresAt } }: { invitation: Invitation }) {
  return (
    <Group gap="xs" wrap="nowrap" style={{ whiteSpace: 'nowrap' }}>
      <Badge variant="light" color={COLORS[state]} tt="none" fw={500} flex="none">
        {WORDS[state]}
      </Badge>
      {state === 'Open' && (
        <Text fz="xs" c="dimmed">
          expires <Time at={expiresAt} />
        </Text>
      )}
    </Group>
  )
}

interface Props {
  /** Nothing: into the organisation. */
  workspaceId?: string
  own: Role
}

/** Who has been invited; those who have not come yet, and on request the others. */
export function Invitations({ workspaceId, own }: Props) {
  const invitations = useInvitations(workspaceId, true)
  const withdraw = useWithdraw(workspaceId)
  const [all, setAll] = useState(false)
  const [withdrawing, setWithdrawing] = useState<Invitation>()
  const rows = invitations.data?.filter((invitation) => all || invitation.state === 'Open')
  const past = invitations.data?.some((invitation) => invitation.state !== 'Open')
  const confirm = async () => {
    await withdraw.mutateAsync(withdrawing?.id ?? '')
    notifications.show({ message: 'The invitation is withdrawn.', color: 'teal' })
  }
  return (
    <Section
      title="Invitations"
      action={
        past && (
          <Switch
            label="Past ones too"
            checked={all}
            onChange={(event) => setAll(event.currentTarget.checked)}
          />
        )
      }
    >
      {invitations.error && !invitations.data ? (
        <Failed
          what="The invitations could not be loaded"
          error={invitations.error}
          retry={() => void invitations.refetch()}
        />
      ) : (
        <DataTable
          label="Invitations"
          columns={columns(own, setWithdrawing)}
          rows={rows}
          rowKey={(invitation) => invitation.id}
          empty={<Empty icon={<IconMailOpened />} title="No open invitation" />}
        />
      )}
      <ConfirmDialog
        opened={withdrawing !== undefined}
        onClose={() => setWithdrawing(undefined)}
        title="Withdraw the invitation"
        action="Withdraw it"
        onConfirm={confirm}
      >
        The link that {withdrawing?.email} has stops working.
      </ConfirmDialog>
    </Section>
  )
}
