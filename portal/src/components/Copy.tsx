import { ActionIcon, Button, type ButtonProps, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useCopy } from './useCopy'

const FAILED = 'This browser does not let pages copy: select the text and copy it yourself.'

/** Copies a text that is on the page anyway. */
export function Copy({ text, label }: { text: string; label: string }) {
  const { copy, copied, failed } = useCopy()
  return (
    <Tooltip label={failed ? FAILED : copied ? 'Copied' : label}>
      <ActionIcon
        variant="subtle"
        color={copied ? 'teal' : 'gray'}
        onClick={() => void copy(text)}
        aria-label={copied ? 'Copied' : label}
      >
        {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
      </ActionIcon>
    </Tooltip>
  )
}

/** The same with words, where copying is what one is here for. */
export function CopyWords({ text, label, ...button }: { text: string; label: string } & ButtonProps) {
  const { copy, copied, failed } = useCopy()
  return (
    <Tooltip label={FAILED} disabled={!failed} opened={failed}>
      <Button
        variant="default"
        leftSection={copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
        onClick={() => void copy(text)}
        {...button}
      >
        {copied ? 'Copied' : label}
      </Button>
    </Tooltip>
  )
}
