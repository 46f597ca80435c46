import { Badge, Box, Group, Text } from '@mantine/core'

interface Props {
  name: string | null | undefined
  email: string
  /** Whether it is the one who is looking. */
  you: boolean
}

/** Somebody, by name and address. */
export function Person({ name, email, you }: Props) {
  return (
    <Box miw={110} style={{ overflowWrap: 'anywhere' }}>
      <Group gap="xs">
        <Text fz="sm" fw={500}>
          {name ?? email}
        </Text>
        {you && (
          <Badge variant="light" tt="none" fw={500}>
            You
          </Badge>
        )}
      </Group>
      {name && (
        <Text fz="xs" c="dimmed">
          {email}
        </Text>
      )}
    </Box>
  )
}
