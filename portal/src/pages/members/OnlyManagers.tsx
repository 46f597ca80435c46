import { IconUsers } from '@tabler/icons-react'
import type { Role } from '../../api/schema'
import { Empty } from '../../components/Empty'

/** In place of a list of people that the role may not see. */
export function OnlyManagers({ own, where }: { own: Role; where: string }) {
  return (
    <Empty icon={<IconUsers />} title="Only Managers and Admins see the people here">
      Your role {where} is {own}. Whoever invited you can tell you who manages it, and can give you another
      role.
    </Empty>
  )
}
