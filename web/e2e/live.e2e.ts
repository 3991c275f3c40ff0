// From a department's push to the pixel: a change through the API, or in the
// file behind the server's back, is seen on both faces without a reload.

import { execFileSync } from 'node:child_process'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { count, drawn, launch, mapIdle, type Opened, open } from './browser'
import { figure, percentile } from './figures'
import { type Server, startCopy } from './server'

let browser: Browser
let server: Server
let end: () => Promise<void>
let wall: Opened
let explorer: Opened

/** A live layer that both faces draw, and a place that both look at. */
const layer = 'river-gauges'

beforeAll(async () => {
  ;({ server, end } = await startCopy())
  browser = await launch()
  wall = await open(browser, server, '/wall', { view: 'wall', width: 1920, height: 1080 })
  explorer = await open(browser, server, `/?layers=${layer}`, { view: 'official' })
  for (const t of [wall, explorer]) {
    await mapIdle(t.page)
    await t.page.waitForFunction(l => (window.__onemap?.count(l) ?? 0) > 0, layer)
    await t.page.evaluate(() => {
      ;(window as unknown as { marker: number }).marker = 1
    })
  }
})
afterAll(async () => {
  await browser?.close()
  await end?.()
})

const neverReloaded = (page: Page) => page.evaluate(() => (window as unknown as { marker?: number }).marker === 1)

function gauge(id: string, k: number) {
  return {
    id,
    geometry: { type: 'Point', coordinates: [107.2 + 0.13 * k, 22.6 + 0.04 * (k % 7)] },
    properties: {
      name: `示例水位站E${k}`,
      level_m: 3,
      warn_m: 5,
      danger_m: 7,
      status: 'normal',
      trend: 'flat',
      division: '450100',
    },
  }
}

test('a posted feature is drawn on the explorer and on the wall without a reload, and vanishes when deleted', async () => {
  const latency: Record<string, number[]> = { wall: [], explorer: [] }
  for (let k = 0; k < 20; k++) {
    const began = performance.now()
    const seen = Object.entries({ wall, explorer }).map(async ([name, t]) => {
      await drawn(t.page, layer, `e2e-${k}`)
      latency[name]?.push(performance.now() - began)
    })
    await server.put(layer, gauge(`e2e-${k}`, k))
    await Promise.all(seen)
  }
  for (const [name, values] of Object.entries(latency)) {
    figure(`POST to pixel on the ${name}, p50`, percentile(values, 50), 'ms')
    figure(`POST to pixel on the ${name}, p95`, percentile(values, 95), 'ms', '≤ 500')
    expect(percentile(values, 95)).toBeLessThan(5000)
  }
  for (let k = 0; k < 20; k++) await server.delete(layer, `e2e-${k}`)
  for (const t of [wall, explorer]) {
    await drawn(t.page, layer, 'e2e-19', false)
    expect(await neverReloaded(t.page)).toBe(true)
    expect(t.errors).toEqual([])
    expect(t.external).toEqual([])
  }
})

test('an edit that GDAL makes in the GeoPackage beside the running server is drawn on the wall', async () => {
  await server.put(layer, gauge('e2e-gdal', 3))
  await drawn(wall.page, layer, 'e2e-gdal')
  const began = performance.now()
  const moved = wall.page.waitForFunction(
    l => window.__onemap?.feature(l, 'e2e-gdal')?.properties.level_m === 9.5,
    layer,
    { timeout: 20_000, polling: 'raf' },
  )
  execFileSync('ogrinfo', [server.file, '-q', '-sql', `UPDATE "${layer}" SET level_m = 9.5 WHERE id = 'e2e-gdal'`])
  await moved
  figure(
    'edit by GDAL to the wall, with the start of ogrinfo',
    performance.now() - began,
    'ms',
    '≤ 1000 after the edit',
  )
  await server.delete(layer, 'e2e-gdal')
  await drawn(wall.page, layer, 'e2e-gdal', false)
})

test('after kill -9 and a restart the wall resumes with nothing missing and without a reload', async () => {
  await server.put(layer, gauge('e2e-before', 1))
  await drawn(wall.page, layer, 'e2e-before')
  const before = await count(wall.page, layer)
  await server.kill()
  await wall.page.waitForFunction(() => window.__onemap?.status !== 'live')
  // While the server is down, somebody edits the file.
  execFileSync('ogrinfo', [server.file, '-q', '-sql', `DELETE FROM "${layer}" WHERE id = 'e2e-before'`])
  await server.boot()
  await server.put(layer, gauge('e2e-after', 2))
  const began = performance.now()
  await wall.page.waitForFunction(() => window.__onemap?.status === 'live', undefined, { timeout: 20_000 })
  figure('wall is live again after the server', performance.now() - began, 'ms')
  await drawn(wall.page, layer, 'e2e-after')
  await drawn(wall.page, layer, 'e2e-before', false)
  expect(await count(wall.page, layer)).toBe(before) // one gone, one come
  const ids = await wall.page.evaluate(l => window.__onemap?.ids(l).sort(), layer)
  const page = await server.json<{ features: { id: string }[] }>(
    `/api/collections/${layer}/items?limit=10000`,
    'official',
  )
  expect(ids).toEqual(page.features.map(f => f.id).sort())
  expect(await neverReloaded(wall.page)).toBe(true)
})
