import { Box } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import classes from './Tabs.module.css'

const TABS = [
  { label: 'Topics', to: '/workspaces/$workspaceId/topics' },
  { label: 'Broker settings', to: '/workspaces/$workspaceId/broker-settings' },
  { label: 'Consumer groups', to: '/workspaces/$workspaceId/groups' },
] as const

/** The pages that stand together under Topics. Links, so that each has an address of its own. */
export function TopicTabs({ workspaceId }: { workspaceId: string }) {
  return (
    <Box component="nav" aria-label="Topics" className={classes.strip}>
      {TABS.map(({ label, to }) => (
        <Link
          key={to}
          to={to}
          params={{ workspaceId }}
          className={classes.tab}
          activeOptions={{ exact: true, includeSearch: false }}
          activeProps={{ 'aria-current': 'page' }}
        >
          {label}
        </Link>
      ))}
    </Box>
  )
}
