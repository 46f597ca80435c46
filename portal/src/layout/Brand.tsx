import { Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import classes from './Shell.module.css'

/** The name, which leads home. */
export function Brand() {
  return (
    <Link to="/workspaces" className={classes.brand} aria-label="Twinkey: all workspaces">
      <img src="/portal/favicon.svg" alt="" width={28} height={28} />
      <Text span inherit visibleFrom="xs">
        Twinkey
      </Text>
    </Link>
  )
}
