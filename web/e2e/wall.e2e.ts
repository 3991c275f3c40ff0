// The wall as a room sees it: enrolled or not, legible, without controls, and
// alive after what a graphics card or a new build does to it.

import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { count, holds, launch, mapIdle, open, pinnedScene } from './browser'
import { incident, incidents } from './incident'
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

test('a screen that is not enrolled is told what to do and never gets a form', async () => {
  const t = await open(browser, server, '/wall', { width: 1280, height: 720 })
  await t.page.getByText('此屏尚未登记').waitFor()
  expect(await t.page.locator('form, input, button, a').count()).toBe(0)
  expect(new URL(t.page.url()).pathname).toBe('/wall')
  expect(t.errors).toEqual([])
  await t.close()
})

test('the wall has its captions, no controls, and no text smaller than 28 of 1080 rows', async () => {
  const t = await open(browser, server, '/wall', { view: 'wall', width: 1920, height: 1080 })
  await mapIdle(t.page)
  await t.page.waitForFunction(() => window.__onemap?.scene !== null)
  for (const caption of ['演示数据，非真实情况', '本图界线仅为示意', '未经审图']) {
    expect(await t.page.getByText(caption).first().isVisible()).toBe(true)
  }
  expect(await t.page.locator('form, input, button, a, .maplibregl-control-container > * > *').count()).toBe(0)
  expect(await t.page.evaluate(() => getComputedStyle(document.body).cursor)).toBe('none')
  expect(await smallTexts(t.page)).toEqual([])
  expect(t.external).toEqual([])
  expect(t.errors).toEqual([])
  await t.close()
})

test('a wall of 7680 by 2160 is drawn pixel by pixel', async () => {
  const t = await open(browser, server, '/wall', { view: 'wall', width: 7680, height: 2160 })
  await t.page.waitForSelector('canvas.maplibregl-canvas')
  const size = () =>
    t.page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('canvas.maplibregl-canvas')
      return [canvas?.width, canvas?.height]
    })
  await expect.poll(size, { timeout: 20_000 }).toEqual([7680, 2160])
  await t.close()
})

test('a lost drawing context comes back with everything that changed meanwhile', async () => {
  const t = await open(browser, server, 'about:blank', { width: 1280, height: 720 })
  const scene = await pinnedScene(t.page)
  await t.page.goto(`${server.url}/signin?token=${server.tokens.wall}&next=%2Fwall`)
  await scene('overview')
  await t.page.waitForFunction(() => window.__onemap?.scene === 'overview')
  await mapIdle(t.page)
  const layer = incidents
  await t.page.waitForFunction(l => (window.__onemap?.count(l) ?? 0) > 0, layer)
  const before = await count(t.page, layer)
  for (const returns of [true, false]) {
    await t.page.evaluate(back => {
      const canvas = document.querySelector<HTMLCanvasElement>('canvas.maplibregl-canvas')
      const lose = canvas?.getContext('webgl2')?.getExtension('WEBGL_lose_context')
      if (!lose) throw new Error('the context is gone already')
      lose.loseContext()
      if (back) setTimeout(() => lose.restoreContext(), 1500)
    }, returns)
    const id = `e2e-lost-${returns}`
    await server.put(layer, incident(id))
    await holds(t.page, layer, id)
    await t.page.waitForFunction(([l, i]) => window.__onemap?.drawn(l as string, i as string), [layer, id] as const, {
      timeout: 60_000,
    })
  }
  expect(await count(t.page, layer)).toBe(before + 2)
  expect(t.errors.filter(e => !e.includes('WebGL'))).toEqual([])
  await t.close()
}, 180_000)

test('a new build is taken up between two scenes, without a sign-in', async () => {
  const t = await open(browser, server, 'about:blank', { width: 1280, height: 720 })
  // As if this page had been loaded from an older build, an hour ago.
  await t.page.addInitScript(() => {
    const now = performance.now.bind(performance)
    performance.now = () => now() + 3_600_000
  })
  let old = true
  await t.page.route('**/api/settings', async route => {
    const response = await route.fetch()
    const settings = await response.json()
    if (old) settings.build = 'an older one'
    old = false
    await route.fulfill({ response, json: settings })
  })
  await t.page.goto(`${server.url}/signin?token=${server.tokens.wall}&next=%2Fwall`)
  await t.page.waitForFunction(() => window.__onemap?.scene)
  await t.page.evaluate(() => {
    ;(window as unknown as { marker: number }).marker = 1
  })
  await t.page.waitForFunction(() => !(window as unknown as { marker?: number }).marker, undefined, { timeout: 45_000 })
  await t.page.waitForFunction(() => window.__onemap?.scene && window.__onemap.status === 'live')
  expect(new URL(t.page.url()).pathname).toBe('/wall')
  await t.close()
})

/** Texts that are smaller than they may be, or cut off. */
function smallTexts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const least = (28 * innerHeight) / 1080 - 0.01
    const bad: string[] = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let n = walker.nextNode(); n; n = walker.nextNode()) {
      const element = n.parentElement
      const text = n.textContent?.trim()
      if (!element || !text || element.closest('script, style, .maplibregl-control-container')) continue
      const range = document.createRange()
      range.selectNodeContents(n)
      const box = range.getBoundingClientRect()
      if (box.width === 0) continue
      const size = Number.parseFloat(getComputedStyle(element).fontSize)
      if (size < least) bad.push(`${text}: ${size} px`)
      if (box.left < 0 || box.top < 0 || box.right > innerWidth + 1 || box.bottom > innerHeight + 1) {
        bad.push(`${text}: outside the wall`)
      }
    }
    return bad
  })
}
