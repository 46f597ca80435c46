import react from '@vitejs/plugin-react'
import { compression } from 'vite-plugin-compression2'
import { defineConfig } from 'vitest/config'

// `npm run dev` serves the pages from here and everything else from a Twinkey that runs at TWINKEY_URL.
const server = process.env.TWINKEY_URL ?? 'http://localhost:8080'

export default defineConfig({
  base: '/portal/',
  // Compressed once here and not at each request. Fonts are compressed already.
  plugins: [react(), compression({ algorithms: ['brotliCompress', 'gzip'], exclude: /\.(woff2|html)$/ })],
  build: {
    // Inlined files would be `data:` URLs, which the Content-Security-Policy forbids.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 600,
    // The first browsers with light-dark(), of May 2024 and before. What Vite makes of it for older ones asks for a color-scheme
    // in the same file, and is no colour at all without it.
    cssTarget: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
  },
  server: { proxy: { '^/(?!portal/)': server } },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
  },
})
