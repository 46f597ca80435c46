import {
  IconActivity,
  IconClipboardList,
  IconLayoutGrid,
  IconMessages,
  IconServer2,
  IconSettings,
  IconUsers,
} from '@tabler/icons-react'

/** Pages of one workspace, in the order of the navigation. Everybody who sees the workspace sees them. */
export const WORKSPACE_PAGES = [
  {
    label: 'Topics',
    icon: IconMessages,
    to: '/workspaces/$workspaceId/topics',
    also: ['/workspaces/$workspaceId/broker-settings', '/workspaces/$workspaceId/groups'],
  },
  { label: 'Token usage', icon: IconActivity, to: '/workspaces/$workspaceId/usage', also: [] },
  { label: 'Members', icon: IconUsers, to: '/workspaces/$workspaceId/members', also: [] },
  { label: 'Audit', icon: IconClipboardList, to: '/workspaces/$workspaceId/audit', also: [] },
  { label: 'Settings', icon: IconSettings, to: '/workspaces/$workspaceId/settings', also: [] },
] as const

/** Pages of the whole installation, and who may see them. */
export const ORGANISATION_PAGES = [
  { label: 'Workspaces', icon: IconLayoutGrid, to: '/workspaces', role: 'None' },
  { label: 'People', icon: IconUsers, to: '/members', role: 'Manager' },
  { label: 'Audit log', icon: IconClipboardList, to: '/audit', role: 'Admin' },
  { label: 'System', icon: IconServer2, to: '/system', role: 'Admin' },
] as const
