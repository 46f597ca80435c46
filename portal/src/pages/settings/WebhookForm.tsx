import { Checkbox, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { WebhookEvent } from '../../api/schema'
import { FormEnd } from '../../components/FormEnd'
import { EVENTS } from './events'

interface Props {
  url?: string
  events?: WebhookEvent[]
  action: string
  pending: boolean
  error: unknown
  onSubmit: (webhook: { url: string; events: WebhookEvent[] }) => void
  onCancel: () => void
}

/** Where to, and what of. */
export function WebhookForm({
  url: given = '',
  events: chosen,
  action,
  pending,
  error,
  onSubmit,
  onCancel,
}: Props) {
  const [url, setUrl] = useState(given)
  const [events, setEvents] = useState<string[]>(chosen ?? EVENTS.map(({ value }) => value))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const listed = EVENTS.map(({ value }) => value).filter((value) => events.includes(value))
    if (url.trim() !== '' && listed.length > 0) onSubmit({ url: url.trim(), events: listed })
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput
          label="URL"
          description="https:// and reachable from the Internet, unless the operator allows internal addresses."
          placeholder="https://ops.example.org/twinkey"
          value={url}
          onChange={(event) => setUrl(event.currentTarget.value)}
          required
          withAsterisk={false}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
        />
        <Checkbox.Group label="Events" value={events} onChange={setEvents}>
          <Stack gap="xs" mt="xs">
            {EVENTS.map(({ value, meaning }) => (
              <Checkbox key={value} value={value} label={value} description={meaning} />
            ))}
          </Stack>
        </Checkbox.Group>
        <FormEnd
          error={error}
          onCancel={onCancel}
          action={action}
          pending={pending}
          disabled={url.trim() === '' || events.length === 0}
        />
      </Stack>
    </form>
  )
}
