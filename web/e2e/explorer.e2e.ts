// The explorer in a real browser: first paint, silence towards the outside, accessibility.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import pixelmatch from 'pixelmatch'
import type { Browser } from 'playwright-core'
import { PNG } from 'pngjs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { drawn, explorerAt, holds, launch, mapIdle, open } from './browser'
import { figure } from './figures'
import { emptyPlace, incident, incidents } from './incident'
import { type Server, startCopy } from './server'

let browser: Browser
let server: Server
let end: () => Promise<void>

beforeAll(async () => {
  ;({ server, end } = await startCopy())
  browser = await launch()
})
afterAll(async () => {
  await browser?.close()
  await end?.()
})

test('the first page paints at once, draws the whole map soon, asks nobody else and logs no error', async () => {
  const t = await open(browser, server, '/')
  const idle = await mapIdle(t.page)
  const fcp = await t.page.evaluate(
    () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
  )
  figure('explorer first contentful paint', fcp, 'ms', '≤ 1500')
  figure('explorer map idle', idle, 'ms', '≤ 6000')
  expect(fcp).toBeLessThan(6000)
  expect(idle).toBeLessThan(30_000)
  expect(t.external).toEqual([])
  expect(t.errors).toEqual([])
  await t.close()
})

test('the public page sees no closed layer, by any route', async () => {
  const t = await open(browser, server, '/')
  await mapIdle(t.page)
  const status = (path: string) => t.page.evaluate(async p => (await fetch(p)).status, path)
  for (const layer of ['river-gauges', 'patrol-vehicles', 'social-aid']) {
    expect(await status(`/api/collections/${layer}`)).toBe(404)
    expect(await status(`/api/collections/${layer}/items`)).toBe(404)
    expect(await status(`/tiles/${layer}/6/50/27`)).toBe(404)
    expect(await status(`/tiles/${layer}.json`)).toBe(404)
  }
  expect(await t.page.getByText('巡查车辆').count()).toBe(0)
  await t.close()

  const official = await open(browser, server, '/', { view: 'official' })
  await mapIdle(official.page)
  const seen = await official.page.evaluate(async () => {
    const { collections } = await (await fetch('/api/collections')).json()
    return collections.map((c: { id: string }) => c.id)
  })
  expect(seen).toContain('river-gauges')
  expect(seen).not.toContain('social-aid')
  await official.close()
})

test('axe finds no serious violation on the explorer, in both themes', async () => {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  for (const colorScheme of ['light', 'dark'] as const) {
    const t = await open(browser, server, '/', { view: 'official', colorScheme })
    await mapIdle(t.page)
    await t.page.evaluate(axe)
    const violations = await t.page.evaluate(async () => {
      const { axe } = window as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } }
      return (await axe.run()).violations
    })
    const serious = violations
      .filter(v => v.impact === 'serious' || v.impact === 'critical')
      .map(v => `${v.id}: ${v.help}: ${v.nodes.map(n => n.html.slice(0, 160)).join(' | ')}`)
    expect(serious).toEqual([])
    await t.close()
  }
})

interface AxeViolation {
  id: string
  help: string
  impact: string
  nodes: { html: string }[]
}

test('a vehicle that moves is drawn on its way, and a new one at once', async () => {
  const [layer, id] = [incidents, 'e2e-moves']
  const [lon, lat] = emptyPlace
  const t = await open(browser, server, 'about:blank', { view: 'official', width: 700, height: 500 })
  // Only a machine that draws fast has things glide. Here a clock that goes slowly makes it one.
  await t.page.addInitScript(() => {
    const real = performance.now.bind(performance)
    performance.now = () => real() / 20
  })
  await t.page.goto(
    `${server.url}/signin?token=${server.tokens.official}&next=${encodeURIComponent(explorerAt([lon, lat], 13, layer))}`,
  )
  await mapIdle(t.page)
  const isAt = (at: number) =>
    t.page.waitForFunction(
      ([l, i, x]) => Math.abs((window.__onemap?.drawnAt(l as string, i as string)?.[0] ?? 0) - (x as number)) < 1e-4,
      [layer, id, at] as const,
    )
  await server.put(layer, incident(id))
  await isAt(lon)
  const to = lon + 0.01 // some 120 pixels
  const between = t.page.evaluate(
    async ([l, i, from, end]) => {
      const seen = new Set<number>()
      for (let at = from as number; Math.abs(at - (end as number)) > 1e-4; ) {
        await new Promise(r => requestAnimationFrame(r))
        at = window.__onemap?.drawnAt(l as string, i as string)?.[0] ?? at
        seen.add(at)
      }
      return [...seen]
    },
    [layer, id, lon, to] as const,
  )
  await server.move(layer, id, [to, lat])
  const way = (await between).filter(x => x > lon + 1e-4 && x < to - 1e-4)
  expect(way.length).toBeGreaterThan(2)
  expect(way).toEqual([...way].sort((a, b) => a - b))
  await server.move(layer, id, [lon + 1, lat]) // out of the window: nobody waits to see it cross the province
  await t.page.waitForFunction(([l, i]) => window.__onemap?.drawn(l as string, i as string) === false, [
    layer,
    id,
  ] as const)
  expect(t.errors).toEqual([])
  await server.delete(layer, id)
  await t.close()
})

test('a lost drawing context comes back with everything that changed meanwhile', async () => {
  const [layer, id] = [incidents, 'e2e-lost']
  const t = await open(browser, server, explorerAt(emptyPlace, 12, layer), { view: 'official' })
  await mapIdle(t.page)
  await t.page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('canvas.maplibregl-canvas')
    const lose = canvas?.getContext('webgl2')?.getExtension('WEBGL_lose_context')
    if (!lose) throw new Error('the context is gone already')
    lose.loseContext()
    setTimeout(() => lose.restoreContext(), 1500)
  })
  await server.put(layer, incident(id))
  await holds(t.page, layer, id)
  await drawn(t.page, layer, id)
  expect(t.errors.filter(e => !e.includes('WebGL'))).toEqual([])
  await t.close()
})

test('a layer of points becomes a heat map or a grid by choice, and a link keeps it', async () => {
  const t = await open(browser, server, 'about:blank')
  const asked = new Set<string>()
  t.page.on('request', r => {
    const kind = /\/tiles\/hospitals\/[^?]*(\?.*)?$/.exec(r.url())
    if (kind) asked.add(kind[1] ?? 'points')
  })
  /** The middle of the map, where no panel is. */
  const picture = async () => {
    await mapIdle(t.page)
    await t.page.waitForTimeout(1000) // names that fade in
    return PNG.sync.read(await t.page.screenshot({ clip: { x: 520, y: 180, width: 480, height: 480 } }))
  }
  const unlike = (a: PNG, b: PNG) => pixelmatch(a.data, b.data, undefined, a.width, a.height) / (a.width * a.height)
  const choose = (name: string) =>
    t.page.getByRole('group', { name: '密度' }).first().getByRole('button', { name, exact: true }).click()
  const details = () => t.page.getByRole('button', { name: '医疗机构（演示） 的说明' }).first().click()

  await t.page.goto(`${server.url}/#map=7/23.6/108.6&on=hospitals`)
  const points = await picture()
  await details()
  await choose('热力')
  const heat = await picture()
  await choose('格网')
  const grid = await picture()
  expect([...asked]).toEqual(['points', '?agg=heat&cell=64', '?agg=grid&cell=32'])
  expect(Math.min(unlike(points, heat), unlike(heat, grid), unlike(grid, points))).toBeGreaterThan(0.02)
  expect(await t.page.evaluate(() => location.hash)).toMatch(/on=hospitals~grid$/)
  const tip = t.page.getByRole('tooltip')
  for (let x = 520; x < 1000 && !(await tip.isVisible()); x += 12) {
    await t.page.mouse.move(x, 500)
    await t.page.waitForTimeout(60)
  }
  expect(await tip.textContent()).toMatch(/此处共 \d+ 条/)

  asked.clear()
  await t.page.reload()
  expect(unlike(grid, await picture())).toBeLessThan(0.01)
  expect([...asked]).toEqual(['?agg=grid&cell=32'])
  expect(await t.page.getByText('每格的记录数').count()).toBeGreaterThan(0)
  await details()
  await choose('点')
  expect(unlike(points, await picture())).toBeLessThan(0.01)
  expect(await t.page.evaluate(() => location.hash)).toMatch(/on=hospitals$/)
  expect(t.errors).toEqual([])
  await t.close()
})
