// What bench/portal measures in the browser. Prints rows of a table as JSON.
import { spawn } from 'node:child_process'
import { chromium } from '@playwright/test'

const { URL: url, SESSION, SECONDS, RATE, TWINKEY, DATA } = process.env
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
await context.addCookies([{ name: 'twinkey-session', value: SESSION, url }])
const rows = []

/** A page, and what its network, memory and main thread are asked. */
async function open() {
  const page = await context.newPage()
  const session = await context.newCDPSession(page)
  await session.send('Network.enable')
  await session.send('Performance.enable')
  let bytes = 0
  session.on('Network.loadingFinished', (event) => {
    bytes += event.encodedDataLength
  })
  await page.addInitScript(() => {
    globalThis.longTasks = []
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) globalThis.longTasks.push(entry.duration)
    }).observe({ type: 'longtask', buffered: true })
  })
  const heap = async () => {
    await session.send('HeapProfiler.collectGarbage')
    const { metrics } = await session.send('Performance.getMetrics')
    const of = (name) => metrics.find((metric) => metric.name === name).value
    return { bytes: of('JSHeapUsedSize'), nodes: of('Nodes') }
  }
  const longest = () => page.evaluate(() => Math.max(0, ...globalThis.longTasks.splice(0)))
  return { page, heap, longest, loaded: () => bytes }
}

for (const [name, path] of [
  ['sign-in', 'sign-in'],
  ['workspaces', 'workspaces'],
  ['broker settings', 'workspaces/demo/broker-settings'],
]) {
  const { page, loaded } = await open()
  await page.goto(`${url}/portal/${path}`, { waitUntil: 'networkidle' }).catch(() => {})
  await page.waitForTimeout(1000)
  rows.push([`first page, nothing cached: ${name}, KB over the wire`, (loaded() / 1000).toFixed(0), '≤ 300'])
  // Each page begins with an empty cache.
  await page.context().clearCookies()
  await context.addCookies([{ name: 'twinkey-session', value: SESSION, url }])
  const session = await context.newCDPSession(page)
  await session.send('Network.clearBrowserCache')
  await page.close()
}

{
  const { page, heap, longest } = await open()
  await page.goto(`${url}/portal/workspaces/many/topics`)
  const began = Date.now()
  await page.getByText('topic-00000').first().waitFor()
  rows.push(['10,000 topics: until the first is shown, ms', String(Date.now() - began), ''])
  await page.waitForTimeout(2000)
  await longest()
  const region = page.getByRole('region', { name: 'List of topics' })
  const gaps = await region.evaluate(async (element) => {
    const frames = []
    let last = performance.now()
    for (let step = 0; step < 120; step++) {
      element.scrollTop = (element.scrollHeight * step) / 120
      await new Promise((resolve) => requestAnimationFrame(resolve))
      const now = performance.now()
      frames.push(now - last)
      last = now
    }
    return frames.sort((left, right) => left - right)
  })
  rows.push([
    '10,000 topics: scrolling through them, frame p50 and p95, ms',
    `${gaps[60].toFixed(0)}, ${gaps[114].toFixed(0)}`,
    '',
  ])
  const { bytes, nodes } = await heap()
  rows.push(['10,000 topics: heap, MB; nodes', `${(bytes / 1e6).toFixed(0)}; ${nodes}`, ''])
  await page.close()
}

{
  const { page, heap, longest } = await open()
  await page.goto(`${url}/portal/workspaces/demo/topics/busy`)
  const source = spawn('sh', [
    '-c',
    `yes '{"order":1234,"amount":56.78,"customer":"ada@example.org","items":["a","b","c"]}' | head -n ${Number(RATE) * (Number(SECONDS) + 30)} | "${TWINKEY}" produce busy -w demo --rate ${RATE} --data-dir "${DATA}"`,
  ])
  source.stderr.pipe(process.stderr)
  await page.getByText('ada@example.org').first().waitFor({ timeout: 30_000 })
  await page.waitForTimeout(10_000)
  await longest()
  const before = await heap()
  await page.waitForTimeout(Number(SECONDS) * 1000)
  const after = await heap()
  rows.push([
    `${RATE} messages/s: heap at the beginning and ${SECONDS} s later, MB`,
    `${(before.bytes / 1e6).toFixed(1)}, ${(after.bytes / 1e6).toFixed(1)}`,
    'the same',
  ])
  rows.push([
    `${RATE} messages/s: nodes at the beginning and later`,
    `${before.nodes}, ${after.nodes}`,
    'the same',
  ])
  rows.push([`${RATE} messages/s: longest task, ms`, (await longest()).toFixed(0), ''])
  source.kill()
  await page.close()
}
await browser.close()
process.stdout.write(JSON.stringify(rows))
