import { execFileSync } from 'node:child_process'
import { defineConfig } from '@playwright/test'

// Debian's browser: nothing is downloaded.
const chromium = execFileSync('sh', ['-c', 'command -v chromium']).toString().trim()

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results',
  // Each test has a server of its own, so they may run beside each other.
  fullyParallel: true,
  workers: 2,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  use: {
    launchOptions: { executablePath: chromium, args: ['--no-sandbox'] },
    viewport: { width: 1440, height: 900 },
    timezoneId: 'Europe/Prague',
    locale: 'en-GB',
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
  },
  projects: [
    { name: 'portal', testIgnore: 'screenshots.spec.ts' },
    { name: 'screenshots', testMatch: 'screenshots.spec.ts' },
  ],
})
