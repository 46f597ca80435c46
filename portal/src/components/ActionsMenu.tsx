import { ActionIcon, Menu } from '@mantine/core'
import { IconDots } from '@tabler/icons-react'
import type { ReactNode } from 'react'

interface Props {
  /** Whose actions they are, for screen readers: "the topic orders". */
  of: string
  width?: number
  /** With a frame where it stands alone, without one in a row. */
  variant?: 'default' | 'subtle'
  children: ReactNode
}

/** Three dots, behind which stands what can be done with one thing. */
export function ActionsMenu({ of, width = 240, variant = 'subtle', children }: Props) {
  return (
    <Menu position="bottom-end" width={width}>
      <Menu.Target>
        <ActionIcon
          variant={variant}
          size={variant === 'default' ? 'lg' : 'md'}
          color="gray"
          aria-label={`Actions for ${of}`}
        >
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>{children}</Menu.Dropdown>
    </Menu>
  )
}
