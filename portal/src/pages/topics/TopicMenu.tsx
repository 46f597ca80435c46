import { ActionIcon, Menu } from '@mantine/core'
import { IconDots, IconEraser, IconPencil, IconTrash } from '@tabler/icons-react'
import type { Role } from '../../api/schema'
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
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <ActionIcon
          variant={variant}
          size={variant === 'default' ? 'lg' : 'md'}
          color="gray"
          aria-label={`Actions for the topic ${name}`}
        >
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
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
      </Menu.Dropdown>
    </Menu>
  )
}
