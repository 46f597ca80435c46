import { Group, Text, TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useMemo, useState } from 'react'

interface Someone {
  email: string
  name?: string | null
  role: string
}

/** The people whose name, address or role has what was typed. */
export function useFiltered<Person extends Someone>(all: Person[] | undefined) {
  const [filter, setFilter] = useState('')
  const rows = useMemo(() => {
    const words = filter.toLowerCase().split(/\s+/)
    return all?.filter(({ email, name, role }) =>
      words.every((word) => `${name ?? ''} ${email} ${role}`.toLowerCase().includes(word)),
    )
  }, [all, filter])
  return { filter, setFilter, rows }
}

interface Props {
  value: string
  onChange: (text: string) => void
  all: number | undefined
  shown: number | undefined
}

/** The box over a list of people, and how many are left. */
export function Filter({ value, onChange, all, shown }: Props) {
  return (
    <Group mb="sm" gap="sm">
      <TextInput
        aria-label="Filter by name, address or role"
        placeholder="Filter by name, address or role"
        leftSection={<IconSearch size={16} aria-hidden />}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        w={{ base: '100%', xs: 300 }}
      />
      {all !== undefined && (
        <Text fz="sm" c="dimmed" role="status">
          {shown === all ? '' : `${shown?.toLocaleString()} of `}
          {all === 1 ? '1 person' : `${all.toLocaleString()} people`}
        </Text>
      )}
    </Group>
  )
}

/** In place of the rows, when the filter leaves none. */
export function NobodyMatches() {
  return (
    <Text p="md" fz="sm" c="dimmed">
      Nobody has that in the name, the address or the role.
    </Text>
  )
}
