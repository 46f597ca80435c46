import {
  type CSSVariablesResolver,
  createTheme,
  DEFAULT_THEME,
  Drawer,
  type MantineColor,
  Menu,
  Modal,
  Tooltip,
} from '@mantine/core'

/** Type, radius and colour. Shades are chosen so that text on them has the contrast that WCAG 2.2 AA asks for. */
export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 7, dark: 7 },
  autoContrast: true,
  respectReducedMotion: true,
  luminanceThreshold: 0.35,
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono Variable', ui-monospace, monospace",
  headings: { fontFamily: "'Inter Variable', system-ui, sans-serif", fontWeight: '650' },
  components: {
    Modal: Modal.extend({
      defaultProps: {
        centered: true,
        overlayProps: { backgroundOpacity: 0.5 },
        closeButtonProps: { 'aria-label': 'Close' },
      },
      styles: { title: { fontWeight: 650, overflowWrap: 'anywhere' } },
    }),
    Drawer: Drawer.extend({
      defaultProps: { position: 'right', closeButtonProps: { 'aria-label': 'Close' } },
      styles: { title: { fontWeight: 650, overflowWrap: 'anywhere' } },
    }),
    // Its placeholder for the focus is nothing that a menu may hold.
    Menu: Menu.extend({ defaultProps: { withInitialFocusPlaceholder: false } }),
    Tooltip: Tooltip.extend({
      defaultProps: { multiline: true, maw: 320, events: { hover: true, focus: true, touch: true } },
    }),
  },
})

const COLORS = Object.keys(DEFAULT_THEME.colors).filter((color) => color !== 'dark') as MantineColor[]

/** How much of the darkest shade is left where even that is too bright for a text on white or on its own tint. */
const DARKENED: Partial<Record<MantineColor, number>> = {
  yellow: 58,
  orange: 75,
  lime: 70,
  green: 85,
  teal: 90,
}

/** Mantine's own tints are so strong in the dark that a warning outshines the page. */
const TINTS = Object.fromEntries(
  COLORS.flatMap((color) =>
    [
      ['light', 18],
      ['light-hover', 26],
    ].map(([name, percent]) => [
      `--mantine-color-${color}-${name}`,
      `color-mix(in srgb, var(--mantine-color-${color}-6) ${percent}%, var(--mantine-color-body))`,
    ]),
  ),
)

/** White words on Mantine's own red stay below 4.5:1. */
const RED = {
  '--mantine-color-red-filled': 'var(--mantine-color-red-9)',
  '--mantine-color-red-filled-hover': 'color-mix(in srgb, var(--mantine-color-red-9) 88%, black)',
}

/** Mantine's own text shades (6 on 0, say) stay below 4.5:1; these do not. */
export const cssVariablesResolver: CSSVariablesResolver = () => {
  const shades = (text: number) =>
    Object.fromEntries(
      COLORS.flatMap((color) => {
        const shade = `var(--mantine-color-${color}-${text})`
        const left = text === 9 ? DARKENED[color] : undefined
        const value = left === undefined ? shade : `color-mix(in srgb, ${shade} ${left}%, black)`
        return ['text', 'light-color', 'outline'].map((name) => [`--mantine-color-${color}-${name}`, value])
      }),
    )
  return {
    variables: {},
    light: {
      ...shades(9),
      ...RED,
      '--mantine-color-dimmed': 'var(--mantine-color-gray-7)',
      '--mantine-color-placeholder': 'var(--mantine-color-gray-7)',
      '--mantine-color-error': 'var(--mantine-color-red-9)',
      '--mantine-color-anchor': 'var(--mantine-color-indigo-8)',
    },
    dark: {
      ...shades(2),
      ...TINTS,
      ...RED,
      '--mantine-color-dimmed': 'var(--mantine-color-dark-1)',
      '--mantine-color-placeholder': 'var(--mantine-color-dark-1)',
      '--mantine-color-error': 'var(--mantine-color-red-4)',
      '--mantine-color-anchor': 'var(--mantine-color-indigo-3)',
    },
  }
}
