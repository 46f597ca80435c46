import { IconEraser, IconPencil, IconTrash } from '@tabler/icons-react'
import type { Role } from '../../api/schema'
import { ActionsMenu } from '../../components/ActionsMenu'
import { RoleMenuItem } from '../../components/RoleButton'
import type { Act } from './TopicActions'

interface Props {
  name: string
  role: Role | undefined
  onAct: (act: Act) => void
  variant?: 'subtle' | 'default'
}

/** What can be done with one topic. */
export function TopicMenu({ name, role, onAct, variant = 'subtle' }: Props) {
  return (
    <ActionsMenu of={`the topic ${name}`} variant={variant}>
      <RoleMenuItem
        own={role}
        needs="Editor"
        leftSection={<IconPencil size={16} />}
        onClick={() => onAct('change')}
      >
        Change settings
      </RoleMenuItem>
      <RoleMenuItem
        own={role}
        needs="Editor"
        leftSection={<IconEraser size={16} />}
        onClick={() => onAct('clean')}
      >
        Clean…
      </RoleMenuItem>
      <RoleMenuItem
        own={role}
        needs="Editor"
        color="red"
        leftSection={<IconTrash size={16} />}
        onClick={() => onAct('delete')}
      >
        Delete…
      </RoleMenuItem>
    </ActionsMenu>
  )
}
