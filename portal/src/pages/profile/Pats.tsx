import { Button, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconKey, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useDeletePat, usePats } from '../../api/profile'
import type { Pat } from '../../api/schema'
import { ConfirmDialog } from '../../components/ConfirmDialog'
import { type Column, DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Failed } from '../../components/Failed'
import { Section } from '../../components/Section'
import { Time } from '../../components/Time'
import { CreatePat } from './CreatePat'

/** What a token may do, in words. */
function reach({ workspaceId, role }: Pat): string {
  const where = workspaceId ? `only ${workspaceId}` : 'everything of yours'
  return role ? `${where}, at most as ${role}` : where
}

function columns(onDelete: (pat: Pat) => void): Column<Pat>[] {
  return [
    {
      id: 'name',
      header: 'Name',
      sortBy: (pat) => pat.name.toLowerCase(),
      cell: (pat) => (
        <>
          <Text fz="sm" fw={500} style={{ overflowWrap: 'anywhere' }}>
            {pat.name}
          </Text>
          <Text fz="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {reach(pat)}
          </Text>
        </>
      ),
    },
    {
      id: 'created',
      header: 'Created',
      wide: true,
      sortBy: (pat) => pat.createdAt,
      cell: (pat) => <Time at={pat.createdAt} />,
    },
    {
      id: 'used',
      header: 'Last used',
      wide: true,
      sortBy: (pat) => pat.lastUsedAt,
      cell: (pat) => <Time at={pat.lastUsedAt} />,
    },
    { id: 'expires', header: 'Expires', sortBy: (pat) => pat.expiresAt, cell: (pat) => <Expiry pat={pat} /> },
    {
      id: 'delete',
      header: '',
      align: 'right',
      width: 90,
      cell: (pat) => (
        <Button
          size="xs"
          variant="default"
          aria-label={`Delete the token ${pat.name}`}
          onClick={() => onDelete(pat)}
        >
          Delete
        </Button>
      ),
    },
  ]
}

function Expiry({ pat }: { pat: Pat }) {
  const over = pat.expiresAt != null && new Date(pat.expiresAt).getTime() < Date.now()
  return over ? (
    <Text span inherit c="red">
      expired <Time at={pat.expiresAt} />
    </Text>
  ) : (
    <Time at={pat.expiresAt} />
  )
}

/** Tokens by which scripts act as the user. */
export function Pats() {
  const pats = usePats()
  const remove = useDeletePat()
  const [creating, setCreating] = useState(false)
  const [deleting, setDeleting] = useState<Pat>()
  const create = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setCreating(true)}>
      Create a token
    </Button>
  )
  const confirm = async (pat: Pat | undefined) => {
    await remove.mutateAsync({ params: { path: { id: pat?.id ?? '' } } })
    notifications.show({ message: `The token ${pat?.name} is deleted.`, color: 'teal' })
  }
  return (
    <Section
      title="Personal access tokens"
      description="Scripts and the command line act with one as you, never with more rights than you have. Programs that stream use a workspace’s SDK tokens instead."
      action={pats.data && pats.data.length > 0 ? create : undefined}
    >
      {pats.error && !pats.data ? (
        <Failed what="The tokens could not be loaded" error={pats.error} retry={() => void pats.refetch()} />
      ) : (
        <DataTable
          label="Personal access tokens"
          columns={columns(setDeleting)}
          rows={pats.data}
          rowKey={(pat) => pat.id}
          empty={
            <Empty icon={<IconKey />} title="No personal access token" action={create}>
              Make one for a script or for the command line on another machine.
            </Empty>
          }
        />
      )}
      <CreatePat opened={creating} onClose={() => setCreating(false)} />
      <ConfirmDialog
        opened={deleting !== undefined}
        onClose={() => setDeleting(undefined)}
        title={`Delete the token ${deleting?.name ?? ''}`}
        action="Delete this token"
        onConfirm={() => confirm(deleting)}
      >
        Whatever uses it is refused from then on.{' '}
        {deleting?.lastUsedAt ? (
          <>
            It was used last <Time at={deleting.lastUsedAt} />.
          </>
        ) : (
          'It has never been used.'
        )}
      </ConfirmDialog>
    </Section>
  )
}
