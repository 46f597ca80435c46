import { Anchor, Box, Breadcrumbs, Group, Text, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import type { ReactNode } from 'react'

interface Props {
  /** The page's name: its heading, and the window's title. */
  title: string
  /** What the page is for, in a sentence. */
  description?: ReactNode
  /** What can be done with the whole page, at the right. */
  actions?: ReactNode
  /** Links to the pages beside it. */
  tabs?: ReactNode
  /** Links to the pages above. */
  above?: { label: string; link: ReactNode }[]
  children: ReactNode
}

/** The frame of a page: window title, heading, actions, content. */
export function Page({ title, description, actions, tabs, above, children }: Props) {
  useDocumentTitle(`${title} · Twinkey`)
  return (
    <Box component="section" aria-labelledby="page-title">
      {tabs}
      {above && (
        <Breadcrumbs mb={4} fz="sm">
          {above.map(({ label, link }) => (
            <Anchor component="span" key={label} fz="sm">
              {link}
            </Anchor>
          ))}
        </Breadcrumbs>
      )}
      <Group justify="space-between" align="flex-start" gap="md" mb="lg">
        <Box maw={760} miw={0}>
          <Title id="page-title" order={1} fz={24} lh={1.3} style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Title>
          {description && (
            <Text c="dimmed" fz="sm" mt={4}>
              {description}
            </Text>
          )}
        </Box>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Box>
  )
}
