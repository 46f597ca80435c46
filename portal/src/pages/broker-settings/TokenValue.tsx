import { Button, Group, Stack, Text } from '@mantine/core'
import { IconCheck, IconCopy, IconEye, IconEyeOff } from '@tabler/icons-react'
import { useState } from 'react'
import type { Role, SdkToken, Slot } from '../../api/schema'
import { revealToken } from '../../api/tokens'
import { Refused } from '../../components/Refused'
import { RoleButton } from '../../components/RoleButton'
import { useCopy } from '../../components/useCopy'
import { useProof, wantsProof } from '../../components/useProof'
import { HidesIn } from './HidesIn'
import classes from './TokenValue.module.css'
import { useRevealed } from './useRevealed'

interface Props {
  workspaceId: string
  slot: Slot
  token: SdkToken
  role: Role | undefined
}

/** A token's value: masked, and on request revealed for a minute, or copied without being shown. */
export function TokenValue({ workspaceId, slot, token, role }: Props) {
  const revealed = useRevealed<string>()
  const { prove, dialog } = useProof()
  const clipboard = useCopy()
  const [busy, setBusy] = useState<'reveal' | 'copy'>()
  const [error, setError] = useState<unknown>()
  const run = async (what: 'reveal' | 'copy', use: (value: string) => void | Promise<void>) => {
    setBusy(what)
    setError(undefined)
    try {
      await use(revealed.value ?? (await prove(() => revealToken(workspaceId, slot))))
    } catch (refusal) {
      if (!wantsProof(refusal)) setError(refusal)
    } finally {
      setBusy(undefined)
    }
  }
  return (
    <Stack gap="xs">
      {dialog}
      <code className={classes.value} data-revealed={revealed.value !== undefined || undefined}>
        {revealed.value ?? token.masked}
      </code>
      <Group gap="xs">
        {revealed.value === undefined ? (
          <RoleButton
            own={role}
            needs="Editor"
            variant="default"
            size="xs"
            leftSection={<IconEye size={16} aria-hidden />}
            loading={busy === 'reveal'}
            onClick={() => void run('reveal', revealed.show)}
            aria-label={`Reveal ${token.label}`}
          >
            Reveal
          </RoleButton>
        ) : (
          <Button
            variant="default"
            size="xs"
            leftSection={<IconEyeOff size={16} aria-hidden />}
            onClick={revealed.hide}
            aria-label={`Hide ${token.label}`}
          >
            Hide
          </Button>
        )}
        <RoleButton
          own={role}
          needs="Editor"
          variant="default"
          size="xs"
          leftSection={
            clipboard.copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />
          }
          loading={busy === 'copy'}
          onClick={() => void run('copy', clipboard.copy)}
          aria-label={`Copy ${token.label}`}
        >
          Copy
        </RoleButton>
        {revealed.until !== undefined && <HidesIn until={revealed.until} />}
      </Group>
      <Text fz="xs" c="dimmed" aria-live="polite">
        {clipboard.copied && `${token.label} is in the clipboard. The audit log says that you took it.`}
        {clipboard.failed && 'This browser does not let pages copy. Reveal it and select it.'}
      </Text>
      <Refused error={error} />
    </Stack>
  )
}
