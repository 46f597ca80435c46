import { Group, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

interface SectionProps {
  title: string
  description?: string
  action?: ReactNode
  children: ReactNode
}

/** A part of the page with a heading of its own. */
export function Section({ title, description, action, children }: SectionProps) {
  return (
    <section>
      <Group justify="space-between" align="flex-end" mb="sm" gap="sm">
        <div>
          <Title order={2} fz={16}>
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
