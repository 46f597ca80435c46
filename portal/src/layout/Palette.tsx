import { Button, Kbd, Text } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { lazy, Suspense, useState } from 'react'

const CommandPalette = lazy(() => import('./CommandPalette'))

/** The way into the palette: a button, and Ctrl or ⌘ with K. Once it is there it listens to the keys by itself. */
export function Palette() {
  const [wanted, setWanted] = useState(0)
  const open = () => setWanted((times) => times + 1)
  useHotkeys(wanted === 0 ? [['mod+K', open]] : [], [])
  return (
    <>
      <Button
        variant="default"
        size="xs"
        fw={400}
        c="dimmed"
        leftSection={<IconSearch size={14} aria-hidden />}
        rightSection={
          <Text span visibleFrom="sm" fz="xs">
            <Kbd size="xs">Ctrl</Kbd> <Kbd size="xs">K</Kbd>
          </Text>
        }
        onClick={open}
      >
        Go to…
      </Button>
      <Suspense fallback={null}>{wanted > 0 && <CommandPalette opened={wanted} />}</Suspense>
    </>
  )
}
