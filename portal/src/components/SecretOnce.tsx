import { Alert, Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import { IconEyeOff } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import { CopyWords } from './Copy'
import classes from './SecretOnce.module.css'

interface Props {
  /** What it is: "Personal access token ci". */
  label: string
  value: string
  /** What to do with it, in a sentence or two. */
  children?: ReactNode
  /** The words of the copy button. */
  copy?: string
  /** What has to be said before it goes. */
  stored?: string
  /** Forgets the value. Only possible once it was said to be stored. */
  onDone: () => void
}

/** A value that the server shows this one time. The caller keeps it in a component's state and nowhere else. */
export function SecretOnce({
  label,
  value,
  children,
  copy = 'Copy',
  stored = 'I have stored it',
  onDone,
}: Props) {
  const [said, setSaid] = useState(false)
  return (
    <Stack gap="md">
      <Alert color="yellow" icon={<IconEyeOff aria-hidden />} title="It is not shown again">
        {children ?? 'Copy it now and put it where you keep passwords.'}
      </Alert>
      <div>
        <Text fz="sm" fw={500} mb={4}>
          {label}
        </Text>
        <Group gap="xs" align="stretch">
          <code className={classes.value}>{value}</code>
          <CopyWords text={value} label={copy} h="auto" mih={36} />
        </Group>
      </div>
      <Group justify="space-between" gap="sm">
        <Checkbox label={stored} checked={said} onChange={(event) => setSaid(event.currentTarget.checked)} />
        <Button onClick={onDone} disabled={!said}>
          Done
        </Button>
      </Group>
    </Stack>
  )
}
