import { Text, UnstyledButton } from '@mantine/core'
import type { Message } from '../../../api/schema'
import type { Column } from '../../../components/DataTable'
import { bytes } from '../numbers'
import { preview } from './content'
import classes from './Messages.module.css'
import { MessageTime } from './MessageTime'

/** The columns of a list of messages. The value opens the whole message. */
export function messageColumns(onOpen: (message: Message) => void): Column<Message>[] {
  return [
    {
      id: 'time',
      header: 'Time',
      width: 190,
      wide: true,
      cell: ({ timestamp }) => <MessageTime at={timestamp} />,
    },
    {
      id: 'partition',
      header: 'Partition',
      width: 84,
      align: 'right',
      wide: true,
      cell: ({ partition }) => partition,
    },
    { id: 'offset', header: 'Offset', width: 96, align: 'right', cell: ({ offset }) => offset },
    {
      id: 'key',
      header: 'Key',
      width: '18%',
      wide: true,
      cell: ({ key }) => <Preview text={key == null ? undefined : preview(key)} />,
    },
    {
      id: 'value',
      header: 'Value',
      cell: (message) => (
        <UnstyledButton
          className={classes.open}
          onClick={() => onOpen(message)}
          aria-label={`Open message ${message.offset} of partition ${message.partition}`}
        >
          <Preview text={message.value == null ? undefined : preview(message.value)} />
        </UnstyledButton>
      ),
    },
    { id: 'size', header: 'Size', width: 84, align: 'right', wide: true, cell: ({ size }) => bytes(size) },
  ]
}

function Preview({ text }: { text: string | undefined }) {
  if (text === undefined || text === '')
    return (
      <Text span fz="xs" c="dimmed">
        {text === undefined ? 'null' : 'empty'}
      </Text>
    )
  return (
    <Text component="code" ff="monospace" fz="xs" className={classes.preview}>
      {text}
    </Text>
  )
}
