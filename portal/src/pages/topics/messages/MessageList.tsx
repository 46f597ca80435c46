import type { ReactNode } from 'react'
import { useMemo, useState } from 'react'
import type { Source } from '../../../api/messages'
import type { Message } from '../../../api/schema'
import { DataTable } from '../../../components/DataTable'
import { messageColumns } from './columns'
import { searchable } from './content'
import { MessageDrawer } from './MessageDrawer'

interface Props {
  source: Source
  messages: Message[] | undefined
  /** Only those with this text in them. */
  filter: string
  empty: ReactNode
}

/** Messages below each other; one opens at the side. */
export function MessageList({ source, messages, filter, empty }: Props) {
  const [opened, setOpened] = useState<Message>()
  const columns = useMemo(() => messageColumns(setOpened), [])
  const wanted = filter.trim().toLowerCase()
  const rows = useMemo(
    () => (wanted === '' ? messages : messages?.filter((message) => searchable(message).includes(wanted))),
    [messages, wanted],
  )
  return (
    <>
      <DataTable
        label="List of messages"
        columns={columns}
        rows={rows}
        rowKey={({ partition, offset }) => `${partition} ${offset}`}
        layout="fixed"
        empty={empty}
      />
      <MessageDrawer source={source} message={opened} onClose={() => setOpened(undefined)} />
    </>
  )
}
