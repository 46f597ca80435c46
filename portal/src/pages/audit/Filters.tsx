import { Autocomplete, Button, Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useState } from 'react'
import { useWorkspaces } from '../../api/workspaces'
import { ACTION_CHOICES } from './actions'
import classes from './Filters.module.css'
import { type AuditSearch, fromField, toField } from './search'

interface Props {
  search: AuditSearch
  /** Whether one can choose among the workspaces. */
  everywhere: boolean
  onChange: (search: AuditSearch) => void
}

/** Which records are shown. What is chosen stands in the address, so that it can be sent to somebody. */
export function Filters({ search, everywhere, onChange }: Props) {
  const { record: _, ...given } = search
  const isFiltered = Object.values(given).some(Boolean)
  const set = (changes: AuditSearch) => onChange({ ...given, ...changes })
  const workspaces = useWorkspaces().data
  return (
    <search className={classes.filters} aria-label="Records">
      {everywhere && (
        <Select
          label="Workspace"
          placeholder="All"
          data={(workspaces ?? []).map(({ workspaceId }) => workspaceId)}
          value={search.workspace ?? null}
          onChange={(workspace) => set({ workspace: workspace ?? undefined })}
          searchable
          clearable
        />
      )}
      <Typed
        label="Action"
        placeholder="token."
        choices={ACTION_CHOICES}
        value={search.action}
        onChange={(action) => set({ action })}
      />
      <Typed
        label="Who"
        placeholder="ada@example.org"
        value={search.actor}
        onChange={(actor) => set({ actor })}
      />
      <Typed
        label="Target"
        placeholder="An id"
        value={search.target}
        onChange={(target) => set({ target })}
      />
      <TextInput
        type="datetime-local"
        label="Since"
        value={toField(search.since)}
        onChange={(event) => set({ since: fromField(event.currentTarget.value) })}
      />
      <TextInput
        type="datetime-local"
        label="Before"
        value={toField(search.until)}
        onChange={(event) => set({ until: fromField(event.currentTarget.value) })}
      />
      {isFiltered && (
        <Button variant="subtle" w="fit-content" onClick={() => onChange({})}>
          Clear
        </Button>
      )}
    </search>
  )
}

interface TypedProps {
  label: string
  placeholder: string
  choices?: string[]
  value: string | undefined
  onChange: (value: string | undefined) => void
}

/** A text that filters when one stops typing. */
function Typed({ label, placeholder, choices = [], value = '', onChange }: TypedProps) {
  const [typed, setTyped] = useState(value)
  const tell = useDebouncedCallback(
    (next: string) => onChange(next.trim() === '' ? undefined : next.trim()),
    400,
  )
  // Back and forward, and a link to another filter.
  useEffect(() => setTyped(value), [value])
  return (
    <Autocomplete
      label={label}
      placeholder={placeholder}
      data={choices}
      value={typed}
      onChange={(next) => {
        setTyped(next)
        tell(next)
      }}
      limit={60}
      spellCheck={false}
      autoCapitalize="none"
    />
  )
}
