import { Stack, Text } from '@mantine/core'
import { useMatchRoute, useParams } from '@tanstack/react-router'
import { useProfile } from '../api/profile'
import { isAtLeast } from '../api/role'
import { NavigationLink } from '../components/links'
import { ORGANISATION_PAGES, WORKSPACE_PAGES } from './pages'
import classes from './Shell.module.css'

/** The pages of the workspace that is open, and those of the organisation. */
export function Navigation({ onNavigate }: { onNavigate: () => void }) {
  const { workspaceId } = useParams({ strict: false })
  const profile = useProfile()
  const matches = useMatchRoute()
  return (
    <Stack component="nav" aria-label="Pages" gap={2}>
      {workspaceId && (
        <>
          <Heading>Workspace</Heading>
          {WORKSPACE_PAGES.map(({ label, icon: Icon, to, also }) => (
            <NavigationLink
              key={to}
              to={to}
              params={{ workspaceId }}
              onClick={onNavigate}
              label={label}
              leftSection={<Icon size={18} stroke={1.7} aria-hidden />}
              active={[to, ...also].some((path) => matches({ to: path, fuzzy: true }) !== false)}
              className={classes.link}
            />
          ))}
        </>
      )}
      <Heading>Organisation</Heading>
      {ORGANISATION_PAGES.filter((page) => isAtLeast(profile.role, page.role)).map(
        ({ label, icon: Icon, to }) => (
          <NavigationLink
            key={to}
            to={to}
            onClick={onNavigate}
            label={label}
            leftSection={<Icon size={18} stroke={1.7} aria-hidden />}
            activeOptions={{ exact: true }}
            className={classes.link}
          />
        ),
      )}
    </Stack>
  )
}

function Heading({ children }: { children: string }) {
  return (
    <Text fz="xs" fw={600} c="dimmed" px="sm" pt="sm" pb={4}>
      {children}
    </Text>
  )
}
