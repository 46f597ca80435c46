import { Group, Text, Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'

interface Props {
  title: string
  description?: ReactNode
  /** What can be done with it, at the right. */
  action?: ReactNode
  children: ReactNode
}

/** A part of the page with a heading of its own. */
export function Section({ title, description, action, children }: Props) {
  const id = useId()
  return (
    <section aria-labelledby={id}>
      <Group justify="space-between" align="flex-end" mb="sm" gap="sm">
        <div>
          <Title order={2} fz="md" id={id}>
            {title}
          </Title>
          {description && (
            <Text fz="sm" c="dimmed" maw={680}>
              {description}
            </Text>
          )}
        </div>
        {action}
      </Group>
      {children}
    </section>
  )
}
