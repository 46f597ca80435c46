import { Button, Group, Stack, Text } from '@mantine/core'
import { IconCheck, IconCopy, IconDownload, IconEyeOff, IconKey } from '@tabler/icons-react'
import type { Role } from '../../api/schema'
import { download } from '../../components/download'
import { Refused } from '../../components/Refused'
import { RoleButton } from '../../components/RoleButton'
import { useCopy } from '../../components/useCopy'
import { HidesIn } from './HidesIn'
import classes from './Snippets.module.css'
import type { Snippet } from './snippets'
import { type Known, useFilled } from './useFilled'

interface Props {
  snippet: Snippet
  known: Known
  role: Role | undefined
}

/** A snippet, masked, and what can be done with it. Copying and downloading take the real values without showing them. */
export function SnippetText({ snippet, known, role }: Props) {
  const filled = useFilled(snippet, known)
  const clipboard = useCopy()
  const copied = clipboard.copied
  const editor = { own: role, needs: 'Editor' as const, variant: 'default' as const, size: 'xs' as const }
  return (
    <Stack gap="xs">
      {filled.dialog}
      <Group gap="xs">
        {filled.until === undefined ? (
          <RoleButton
            {...editor}
            leftSection={<IconKey size={16} aria-hidden />}
            disabled={filled.pending}
            onClick={() => void filled.show()}
          >
            Fill in the real values
          </RoleButton>
        ) : (
          <Button
            variant="default"
            size="xs"
            leftSection={<IconEyeOff size={16} aria-hidden />}
            onClick={filled.hide}
          >
            Hide the real values
          </Button>
        )}
        <RoleButton
          {...editor}
          leftSection={copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
          disabled={filled.pending}
          onClick={() => void filled.take(clipboard.copy)}
        >
          {copied ? 'Copied' : 'Copy'}
        </RoleButton>
        <RoleButton
          {...editor}
          leftSection={<IconDownload size={16} aria-hidden />}
          disabled={filled.pending}
          onClick={() => void filled.take((text) => download(snippet.download, text))}
        >
          Download
        </RoleButton>
        {filled.until !== undefined && <HidesIn until={filled.until} />}
      </Group>
      <Refused error={filled.error} />
      {/* It scrolls sideways, so the keyboard must reach it. */}
      <section
        className={classes.code}
        data-revealed={filled.until !== undefined || undefined}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard (WCAG 2.1.1)
        tabIndex={0}
        aria-label={`${snippet.label}: the text`}
      >
        <pre>{filled.text}</pre>
      </section>
      <Text fz="xs" c="dimmed" aria-live="polite">
        {copied
          ? 'It is in the clipboard with the real token. The audit log says that you took it.'
          : clipboard.failed
            ? 'This browser does not let pages copy. Fill in the real values and select the text.'
            : 'Copy and Download fill in the real values without showing them. The audit log says that you took them.'}
      </Text>
    </Stack>
  )
}
