import { Radio, Stack } from '@mantine/core'
import { isAtLeast, ROLE_MEANING, ROLES } from '../../api/role'
import type { Role } from '../../api/schema'

interface Props {
  /** The role of whoever gives: nobody gives more than that. */
  own: Role
  value: Role
  onChange: (role: Role) => void
  /** Whether None can be given: it takes somebody's access away. */
  none?: boolean
}

/** The roles with what they mean; those above one's own are there, and cannot be given. */
export function RolePicker({ own, value, onChange, none = false }: Props) {
  return (
    <Radio.Group label="Role" value={value} onChange={(role) => onChange(role as Role)}>
      <Stack gap="xs" mt="xs">
        {ROLES.filter((role) => none || role !== 'None').map((role) => {
          const above = !isAtLeast(own, role)
          return (
            <Radio
              key={role}
              value={role}
              label={role}
              description={above ? 'above your own role, so you cannot give it' : ROLE_MEANING[role]}
              disabled={above}
            />
          )
        })}
      </Stack>
    </Radio.Group>
  )
}
