import { Box, Paper, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import type { ReactNode } from 'react'
import classes from './Outside.module.css'

/** The frame of the pages before the sign-in: the name, and one card in the middle. */
export function Outside({
  title,
  children,
  below,
}: {
  title: string
  children: ReactNode
  below?: ReactNode
}) {
  useDocumentTitle(`${title} · Twinkey`)
  return (
    <Box component="main" className={classes.page}>
      <div className={classes.column}>
        <div className={classes.brand}>
          <img src="/portal/favicon.svg" alt="" width={36} height={36} />
          <span>Twinkey</span>
        </div>
        <Paper withBorder radius="md" p={{ base: 'md', xs: 'xl' }}>
          <Title order={1} fz={20} mb="md">
            {title}
          </Title>
          {children}
        </Paper>
        {below}
      </div>
    </Box>
  )
}
