import { Stack, Text, ThemeIcon } from '@mantine/core'
import type { ReactNode } from 'react'

interface Props {
  icon: ReactNode
  /** What is not there yet: "No topics yet". */
  title: string
  /** How it comes to be there. */
  children?: ReactNode
  /** A button that makes the first one. */
  action?: ReactNode
}

/** A list without anything in it, and the way to its first element. */
export function Empty({ icon, title, children, action }: Props) {
  return (
    <Stack align="center" gap="xs" py={56} px="md" ta="center">
      <ThemeIcon size={48} radius="xl" variant="light" aria-hidden>
        {icon}
      </ThemeIcon>
      <Text fw={600}>{title}</Text>
      {children && (
        <Text c="dimmed" fz="sm" maw={480} component="div">
          {children}
        </Text>
      )}
      {action}
    </Stack>
  )
}
