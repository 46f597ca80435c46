import { IconShieldCog, IconUserMinus } from '@tabler/icons-react'
import { isAtLeast } from '../../api/role'
import type { Role } from '../../api/schema'
import { ActionsMenu } from '../../components/ActionsMenu'
import { RoleMenuItem } from '../../components/RoleButton'

interface Props {
  who: string
  /** The role of whoever is looking. */
  own: Role
  /** The role of the one whose row it is: nobody touches somebody above himself. */
  role: Role
  onChange: () => void
  /** How somebody is removed; nothing: there is nothing to take. */
  remove?: { words: string; onClick: () => void }
}

/** What can be done with one member. */
export function RowMenu({ who, own, role, onChange, remove }: Props) {
  const needs = isAtLeast(role, 'Manager') ? role : 'Manager'
  return (
    <ActionsMenu of={who} width={260}>
      <RoleMenuItem own={own} needs={needs} leftSection={<IconShieldCog size={16} />} onClick={onChange}>
        Change the role…
      </RoleMenuItem>
      {remove && (
        <RoleMenuItem
          own={own}
          needs={needs}
          c="red"
          leftSection={<IconUserMinus size={16} />}
          onClick={remove.onClick}
        >
          {remove.words}
        </RoleMenuItem>
      )}
    </ActionsMenu>
  )
}
