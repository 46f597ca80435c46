import { Code, Group, List, Text, ThemeIcon } from '@mantine/core'
import { IconArrowUp, IconPlus, IconX } from '@tabler/icons-react'
import type { TokenUsage } from '../../api/schema'
import { tokenOf } from './checklist'

/** What a rotation does, in three lines. */
export function WhatHappens({ usage }: { usage: TokenUsage }) {
  const [token1, token2] = [tokenOf(usage, 'Token 1'), tokenOf(usage, 'Token 2')]
  const open = token1?.openConnections
  return (
    <List spacing={8} fz="sm" listStyleType="none" type="ordered" m={0} p={0}>
      <Line color="red" icon={<IconX size={14} />}>
        <b>Token 1</b> <Code>{token1?.masked}</Code> stops working at once, on the API and on the broker
        {open ? `; its ${open === 1 ? 'open connection is' : `${open} open connections are`} closed` : ''}.
      </Line>
      <Line color="indigo" icon={<IconArrowUp size={14} />}>
        <b>Token 2</b> <Code>{token2?.masked}</Code> becomes Token 1. Whoever uses it notices nothing.
      </Line>
      <Line color="teal" icon={<IconPlus size={14} />}>
        <b>A new Token 2</b> is made, ready for the next rotation.
      </Line>
    </List>
  )
}

function Line({
  color,
  icon,
  children,
}: {
  color: string
  icon: React.ReactNode
  children: React.ReactNode
}) {
  return (
    <List.Item>
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <ThemeIcon variant="light" color={color} size={22} radius="xl" aria-hidden>
          {icon}
        </ThemeIcon>
        <Text span fz="sm" lh={1.55}>
          {children}
        </Text>
      </Group>
    </List.Item>
  )
}
