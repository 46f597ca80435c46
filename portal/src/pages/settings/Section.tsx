import { Group, Text, Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'

interface Props {
  title: string
  description?: ReactNode
  action?: ReactNode
  children: ReactNode
}

/** A part of a page, with what can be done with it at the right. */
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
            <Text fz="sm" c="dimmed">
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
