import {
  type CSSVariablesResolver,
  createTheme,
  DEFAULT_THEME,
  Drawer,
  type MantineColor,
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
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
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
    Tooltip: Tooltip.extend({
      defaultProps: { multiline: true, maw: 320, events: { hover: true, focus: true, touch: true } },
    }),
  },
})

const COLORS = Object.keys(DEFAULT_THEME.colors).filter((color) => color !== 'dark') as MantineColor[]

/** The darkest shade of a colour is still too light for a text on its lightest, and of these by far. */
const BRIGHT: MantineColor[] = ['yellow', 'orange', 'lime']

const darkened = (color: string) =>
  `color-mix(in srgb, var(--mantine-color-${color}-9) ${BRIGHT.includes(color) ? 55 : 88}%, black)`

const tinted = (color: string, percent: number) =>
  `color-mix(in srgb, var(--mantine-color-${color}-6) ${percent}%, var(--mantine-color-body))`

/** Everything that is a text in this colour. */
const texts = (shade: (color: string) => string) =>
  Object.fromEntries(
    COLORS.flatMap((color) =>
      ['text', 'light-color', 'outline'].map((use) => [`--mantine-color-${color}-${use}`, shade(color)]),
    ),
  )

// White on the primary shade of red is hard to read, and a button that ends something has to be read.
const ENDS = { '--mantine-color-red-filled': 'var(--mantine-color-red-9)' }

/** Mantine's own text shades (6 on 0, say) stay below 4.5:1; these do not. */
export const cssVariablesResolver: CSSVariablesResolver = () => {
  return {
    variables: {},
    light: {
      ...texts(darkened),
      ...ENDS,
      '--mantine-color-dimmed': 'var(--mantine-color-gray-7)',
      '--mantine-color-placeholder': 'var(--mantine-color-gray-7)',
      '--mantine-color-error': 'var(--mantine-color-red-9)',
      '--mantine-color-anchor': 'var(--mantine-color-indigo-8)',
    },
    dark: {
      ...texts((color) => `var(--mantine-color-${color}-2)`),
      ...ENDS,
      ...Object.fromEntries(
        COLORS.flatMap((color) => [
          // The library's own are so strong that a warning outshines the page.
          [`--mantine-color-${color}-light`, tinted(color, 18)],
          [`--mantine-color-${color}-light-hover`, tinted(color, 26)],
        ]),
      ),
      '--mantine-color-dimmed': 'var(--mantine-color-dark-1)',
      '--mantine-color-placeholder': 'var(--mantine-color-dark-1)',
      '--mantine-color-error': 'var(--mantine-color-red-4)',
      '--mantine-color-anchor': 'var(--mantine-color-indigo-3)',
    },
  }
}
