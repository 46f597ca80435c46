import { Group, Select, Stack, TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useDeferredValue, useMemo, useState } from 'react'
import { FromFields } from './FromFields'
import { fromParameter, toParameter } from './from'
import { LiveView } from './LiveView'
import { PagesView } from './PagesView'

interface Props {
  workspaceId: string
  topic: string
  partitions: number
}

/** The messages of a topic: live, or from a place on. */
export function Messages({ workspaceId, topic, partitions }: Props) {
  const search = useSearch({ from: '/shell/workspaces/$workspaceId/topics/$topic' })
  const navigate = useNavigate({ from: '/workspaces/$workspaceId/topics/$topic' })
  const [typed, setTyped] = useState('')
  const filter = useDeferredValue(typed)
  const from = fromParameter(search.from)
  const place = toParameter(from)
  const chosen = Number(search.partition ?? Number.NaN)
  const partition = Number.isInteger(chosen) && chosen >= 0 && chosen < partitions ? chosen : undefined
  const source = useMemo(() => ({ workspaceId, topic, partition }), [workspaceId, topic, partition])
  const set = (change: { from?: string | undefined; partition?: string | undefined }) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true, resetScroll: false })
  return (
    <Stack gap="md">
      <Group gap="sm" align="flex-end">
        <FromFields from={from} onChange={(from) => set({ from })} />
        <Select
          label="Partition"
          data={[
            { value: '', label: 'All' },
            ...Array.from({ length: partitions }, (_, number) => ({
              value: `${number}`,
              label: `${number}`,
            })),
          ]}
          value={partition === undefined ? '' : `${partition}`}
          onChange={(value) => set({ partition: value || undefined })}
          allowDeselect={false}
          searchable={partitions > 20}
          w={110}
        />
        <TextInput
          label="With this text in it"
          leftSection={<IconSearch size={16} aria-hidden />}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          w={{ base: '100%', xs: 240 }}
        />
      </Group>
      {place === undefined ? (
        <LiveView key={`${topic} ${partition}`} source={source} filter={filter} />
      ) : (
        <PagesView source={source} from={place} filter={filter} />
      )}
    </Stack>
  )
}
