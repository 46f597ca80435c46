import { Button, type ButtonProps, Menu, type MenuItemProps, Text, Tooltip } from '@mantine/core'
import type { ComponentPropsWithRef } from 'react'
import { roleRefusal } from '../api/role'
import type { Role } from '../api/schema'

interface Needs {
  /** The caller's role where the button acts; nothing while it is on its way. */
  own: Role | undefined
  /** The least role that may do it. */
  needs: Role
  /** Where that role must be, if the page does not make it plain: "in the organisation". */
  where?: string
  /** Another reason why it cannot be done now, as a sentence. */
  because?: string | null
}

type ButtonRest = Omit<ComponentPropsWithRef<'button'>, keyof ButtonProps | 'color' | 'style' | 'role'>

/** Why the button does nothing; nothing: it does. */
function refusal({ own, needs, where, because }: Needs): string | undefined {
  if (own === undefined) return 'Your role is being looked up.'
  return roleRefusal(own, needs, where) ?? because ?? undefined
}

/**
 * A button for those with a role. For the others it is there too, disabled, and says why on hover and focus: whoever looks for
 * it learns whom to ask.
 */
export function RoleButton({ own, needs, where, because, ...button }: Needs & ButtonProps & ButtonRest) {
  const why = refusal({ own, needs, where, because })
  if (why === undefined) return <Button {...button} />
  return (
    <Tooltip label={why}>
      {/* Not `disabled`, which takes no focus: the keyboard could not reach the reason. */}
      <Button
        {...button}
        type="button"
        data-disabled
        aria-disabled
        onClick={(event) => event.preventDefault()}
      />
    </Tooltip>
  )
}

type ItemRest = Omit<ComponentPropsWithRef<'button'>, keyof MenuItemProps | 'color' | 'style' | 'role'>

/** The same in a menu: the reason stands below the words, because a menu has no room for a tooltip. */
export function RoleMenuItem({
  own,
  needs,
  where,
  because,
  children,
  ...item
}: Needs & MenuItemProps & ItemRest) {
  const why = refusal({ own, needs, where, because })
  if (why === undefined) return <Menu.Item {...item}>{children}</Menu.Item>
  return (
    <Menu.Item
      {...item}
      c={undefined}
      data-disabled
      aria-disabled
      closeMenuOnClick={false}
      onClick={undefined}
      // The library's half-transparent words could not be read.
      style={{ opacity: 1 }}
    >
      {children}
      <Text fz="xs" maw={240} c="dimmed">
        {why}
      </Text>
    </Menu.Item>
  )
}
