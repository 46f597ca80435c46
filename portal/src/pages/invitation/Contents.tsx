import { Text } from '@mantine/core'
import { roleSentence } from '../../api/role'
import type { InvitationContents } from '../../api/schema'
import { Time } from '../../components/Time'

/** Who invites whom into what. */
export function Contents({ invitation }: { invitation: InvitationContents }) {
  const { invitedBy, email, workspaceId, role, expiresAt } = invitation
  return (
    <div style={{ overflowWrap: 'anywhere' }}>
      <Text fz="sm">
        <b>{invitedBy}</b> invites <b>{email}</b> into{' '}
        {workspaceId ? (
          <>
            the workspace <b>{workspaceId}</b>
          </>
        ) : (
          'the organisation'
        )}{' '}
        as <b>{role}</b>.
      </Text>
      <Text fz="xs" c="dimmed" mt={4}>
        {roleSentence(role)} The link expires <Time at={expiresAt} />.
      </Text>
    </div>
  )
}
