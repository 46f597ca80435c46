import { Outlet } from '@tanstack/react-router'

/** Everything below one workspace. */
export function Workspace() {
  return <Outlet />
}
