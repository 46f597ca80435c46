import { Stack } from '@mantine/core'
import { IconUserPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useMembers, useRemoveMember } from '../../api/members'
import { useProfile } from '../../api/profile'
import { isAtLeast } from '../../api/role'
import type { Member } from '../../api/schema'
import { ConfirmDialog } from '../../components/ConfirmDialog'
import { DataTable } from '../../components/DataTable'
import { Failed } from '../../components/Failed'
import { Page } from '../../components/Page'
import { RoleButton } from '../../components/RoleButton'
import { ChangeRole } from './ChangeRole'
import { Filter, NobodyMatches, useFiltered } from './Filter'
import { Invitations } from './Invitations'
import { Invite } from './Invite'
import { memberColumns } from './memberColumns'
import { OnlyManagers } from './OnlyManagers'

/** Everybody in the organisation, and who is invited. */
export function Members() {
  const { role: own, userId } = useProfile()
  const manages = isAtLeast(own, 'Manager')
  const members = useMembers(manages)
  const remove = useRemoveMember(undefined)
  const [inviting, setInviting] = useState(false)
  const [changing, setChanging] = useState<Member>()
  const [removing, setRemoving] = useState<Member>()
  const { filter, setFilter, rows } = useFiltered(members.data)
  return (
    <Page
      title="People"
      description="A role counts in the whole organisation, or in one workspace; the narrower one wins, upwards and downwards."
      actions={
        <RoleButton
          own={own}
          needs="Manager"
          where="in the organisation"
          leftSection={<IconUserPlus size={16} aria-hidden />}
          onClick={() => setInviting(true)}
        >
          Invite somebody
        </RoleButton>
      }
    >
      {!manages ? (
        <OnlyManagers own={own} where="in the organisation" />
      ) : members.error && !members.data ? (
        <Failed
          what="The members could not be loaded"
          error={members.error}
          retry={() => void members.refetch()}
        />
      ) : (
        <Stack gap={40}>
          <div>
            <Filter value={filter} onChange={setFilter} all={members.data?.length} shown={rows?.length} />
            <DataTable
              label="Members of the organisation"
              columns={memberColumns({ own, userId, onChange: setChanging, onRemove: setRemoving })}
              rows={rows}
              rowKey={(member) => member.userId}
              initialSort={{ column: 'person' }}
              empty={<NobodyMatches />}
            />
          </div>
          <Invitations own={own} />
        </Stack>
      )}
      <Invite opened={inviting} onClose={() => setInviting(false)} own={own} />
      <ChangeRole
        subject={changing}
        own={own}
        you={changing?.userId === userId}
        onClose={() => setChanging(undefined)}
      />
      <ConfirmDialog
        opened={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title={`Remove ${removing?.name ?? removing?.email ?? ''}`}
        name={removing?.email ?? ''}
        nameOf="the address"
        action="Remove this account"
        onConfirm={() => remove.mutateAsync(removing?.userId ?? '')}
      >
        The account ends at once, with its roles everywhere, its sessions and its personal access tokens. What
        it did stays in the audit log. SDK tokens that this person was shown still work: rotate them where
        that matters.
      </ConfirmDialog>
    </Page>
  )
}
