import { Box, Button, Group, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import type { Rotation } from '../../api/rotation'
import type { TokenUsage } from '../../api/schema'
import { Time } from '../../components/Time'
import { Anyway } from './Anyway'
import classes from './AskRotation.module.css'
import { Checklist } from './Checklist'
import { identity, type Mover, movers, safeAt } from './checklist'
import { Problem } from './Problem'
import { Reason } from './Reason'
import { Stale } from './Stale'
import { Verdict } from './Verdict'
import { Ways } from './Ways'
import { WhatHappens } from './WhatHappens'

interface Props {
  workspaceId: string
  usage: TokenUsage
  rotation: Rotation
  onClose: () => void
}

/** Everything that one wants to know before one rotates, and the order. */
export function AskRotation({ workspaceId, usage, rotation, onClose }: Props) {
  // As it was when the dialog was opened: somebody else's rotation since must not be rotated away by this one.
  const [seen, setSeen] = useState(usage.generation)
  const [reason, setReason] = useState('')
  const [agreed, setAgreed] = useState<Set<string>>()
  const { safe, reasons } = usage.safeToRotate
  const listed = movers(usage)
  const breaking = reasons.map(({ client }) => client).filter((client) => !hasMoved(listed, identity(client)))
  const isForced = !safe && agreed !== undefined && breaking.every((client) => agreed.has(identity(client)))
  const isStale = usage.generation !== seen && !rotation.unknown && !rotation.isPending
  const lookAgain = () => {
    setSeen(usage.generation)
    setAgreed(undefined)
    rotation.reset()
  }
  const rotate = () => rotation.order({ expectedGeneration: seen, reason, force: isForced })
  return (
    <Stack gap="lg">
      <Section title="What will happen">
        <WhatHappens usage={usage} />
      </Section>
      <Section title="Two ways">
        <Ways workspaceId={workspaceId} />
      </Section>
      <Section title="Who uses Token 1 now">
        <Verdict verdict={usage.safeToRotate} brief />
        <Checklist movers={listed} />
        <Waiting usage={usage} movers={listed} />
      </Section>
      <Reason value={reason} onChange={setReason} rotation={rotation} />
      {!safe && !rotation.unknown && (
        <Anyway
          breaking={breaking}
          agreed={isForced}
          wasAgreed={agreed !== undefined}
          onChange={(yes) => setAgreed(yes ? new Set(breaking.map(identity)) : undefined)}
        />
      )}
      {isStale && <Stale seen={seen} now={usage.generation} onLookAgain={lookAgain} />}
      {!isStale && <Problem rotation={rotation} />}
      {!rotation.unknown && (
        <Group justify="flex-end" gap="xs" className={classes.buttons}>
          <Button variant="default" onClick={onClose} disabled={rotation.isPending}>
            Cancel
          </Button>
          <Button
            color={isForced ? 'red' : undefined}
            disabled={(!safe && !isForced) || isStale}
            loading={rotation.isPending}
            onClick={rotate}
          >
            {isForced ? 'Rotate anyway' : 'Rotate now'}
          </Button>
        </Group>
      )}
    </Stack>
  )
}

function hasMoved(listed: Mover[], key: string): boolean {
  return listed.some((mover) => mover.key === key && mover.step === 'moved')
}

/** All have moved, but the window is not over: when it will be. */
function Waiting({ usage, movers: listed }: { usage: TokenUsage; movers: Mover[] }) {
  const at = safeAt(usage)
  if (at === undefined) return null
  const minutes = usage.safeToRotate.windowMinutes
  return (
    <Text fz="sm" c="dimmed">
      {listed.every(({ step }) => step === 'moved') && 'Everybody has moved. '}
      If nobody uses Token 1 any more, it counts as safe <Time at={at.toISOString()} />, {minutes} minutes
      after its last use. The settings of the workspace say how long.
    </Text>
  )
}

function Section({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <Box component="section">
      <Title order={3} fz="sm" fw={600} mb={6}>
        {title}
      </Title>
      <Stack gap="sm">{children}</Stack>
    </Box>
  )
}
