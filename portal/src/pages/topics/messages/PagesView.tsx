import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconMessages } from '@tabler/icons-react'
import { type Source, useMessages } from '../../../api/messages'
import { Empty } from '../../../components/Empty'
import { Failed } from '../../../components/Failed'
import { plural } from '../numbers'
import { MessageList } from './MessageList'

/** Messages from a place on, in the order in which they were written. */
export function PagesView({ source, from, filter }: { source: Source; from: string; filter: string }) {
  const { data, error, refetch, fetchNextPage, hasNextPage, isFetching, isFetchNextPageError } = useMessages(
    source,
    from,
  )
  if (error && data === undefined)
    return <Failed what="The messages could not be loaded" error={error} retry={() => void refetch()} />
  const messages = data?.pages.flatMap((page) => page.messages)
  const end = data?.pages.at(-1)?.end ?? false
  const notes = [...new Set(data?.pages.flatMap((page) => page.notes))]
  return (
    <Stack gap="sm">
      {notes.map((note) => (
        <Alert key={note} color="yellow">
          {note}
        </Alert>
      ))}
      <MessageList
        source={source}
        messages={messages}
        filter={filter}
        empty={
          <Empty
            icon={<IconMessages />}
            title={filter === '' ? 'No messages from there on' : 'None of them has that in it'}
          >
            {filter === ''
              ? 'Choose an earlier place, or look at the newest ones live.'
              : 'The filter looks at the messages that are on the page.'}
          </Empty>
        }
      />
      {isFetchNextPageError && <Failed what="More messages could not be loaded" error={error} />}
      {messages && (
        <Group gap="md">
          <Button
            variant="default"
            size="xs"
            disabled={!hasNextPage}
            loading={isFetching}
            onClick={() => void fetchNextPage()}
          >
            {end ? 'Look for newer ones' : 'Load more'}
          </Button>
          <Text fz="sm" c="dimmed">
            {plural(messages.length, 'message')} on the page
            {end && ', up to the end of the topic'}
          </Text>
        </Group>
      )}
    </Stack>
  )
}
