// Many features in one street and at one place: each can be picked.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { explorerAt, launch, mapIdle, open } from './browser'
import { type Server, startCopy } from './server'

let browser: Browser
let server: Server
let end: () => Promise<void>

const corner: [number, number] = [107.35, 23.58]
const building: [number, number] = [107.348, 23.58] // some 200 m west of the street
const tower: [number, number] = [107.4, 23.58]

beforeAll(async () => {
  ;({ server, end } = await startCopy())
  await server.stop()
  const street = Array.from({ length: 6000 }, (_, i) => {
    // Steps of the golden ratio and of the square root of two: even, and no two at one place.
    const [x, y] = [(i * 0.618034) % 1, (i * 0.414214) % 1]
    return row(`街道商户${i}`, [corner[0] + 0.003 * x, corner[1] + 0.003 * y])
  })
  const flats = Array.from({ length: 30 }, (_, i) => row(`楼内商户${i}`, building))
  layer('street', [...street, ...flats])
  layer(
    'tower',
    Array.from({ length: 8000 }, (_, i) => row(`塔楼商户${i}`, tower)),
  )
  await server.boot()
  browser = await launch()
})
afterAll(async () => {
  await browser?.close()
  await end?.()
})

const row = (name: string, [lon, lat]: [number, number]) => `${name},${lon},${lat}`

function layer(id: string, rows: string[]): void {
  const file = join(server.data, `${id}.csv`)
  writeFileSync(file, ['name,lon,lat', ...rows].join('\n'))
  server.import(file, id)
}

/** Points at a place until the page says what is there, other than what it said before. */
async function pointed(page: Page, at: [number, number], before = ''): Promise<string> {
  for (let i = 0; i < 300; i++) {
    const where = await page.evaluate(place => window.__onemap?.project(place), at)
    if (where) await page.mouse.move(where.x + (i % 2), where.y)
    await page.waitForTimeout(100)
    const tips = await page.locator('[role=tooltip] strong').allTextContents()
    if (tips[0] && tips[0] !== before) return tips[0]
  }
  throw new Error(`nothing is at ${at}, other than ${before}`)
}

/** Clicks on a place until what is merged there has come apart; returns how often that was. */
async function apart(page: Page, at: [number, number]): Promise<number> {
  let before = ''
  for (let clicks = 0; clicks < 6; clicks++) {
    before = await pointed(page, at, before)
    if (!before.includes('点击放大')) return clicks
    const zoom = await zoomOf(page)
    await page.mouse.down()
    await page.mouse.up()
    await expect.poll(() => zoomOf(page), { timeout: 20_000 }).toBeGreaterThan(zoom) // not what is seen on the way
    await mapIdle(page)
  }
  throw new Error(`still ${before}`)
}

const zoomOf = (page: Page) => page.evaluate(() => Number(/map=([\d.]+)/.exec(location.hash)?.[1]))

test('a crowded street comes apart under clicks, and one of its shops is picked', async () => {
  const { tilesMaxZoom } = await server.json<{ tilesMaxZoom: number }>('/api/collections/street', 'public')
  expect(tilesMaxZoom).toBeGreaterThan(14)
  const shop: [number, number] = [
    corner[0] + 0.003 * ((1234 * 0.618034) % 1),
    corner[1] + 0.003 * ((1234 * 0.414214) % 1),
  ]
  const t = await open(browser, server, explorerAt(shop, 14, 'street'))
  await mapIdle(t.page)
  expect(await apart(t.page, shop)).toBeGreaterThan(0)
  expect(await zoomOf(t.page)).toBeGreaterThan(14)
  await t.page.mouse.down()
  await t.page.mouse.up()
  await t.page.waitForFunction(() => /sel=street\//.test(location.hash))
  await t.page.locator('aside h2').waitFor()
  expect(await t.page.locator('aside h2').textContent()).toMatch(/^街道商户\d+$/)
  expect(t.errors).toEqual([])
  await t.close()
})

test('thirty shops in one building are a list to choose from', async () => {
  const t = await open(browser, server, explorerAt(building, 17.5, 'street'))
  await mapIdle(t.page)
  await apart(t.page, building)
  await t.page.mouse.down()
  await t.page.mouse.up()
  const list = t.page.getByRole('region', { name: '此处有 30 个要素' })
  await list.waitFor()
  expect(await list.getByRole('button').count()).toBe(30)
  await list.getByRole('button', { name: '楼内商户17' }).click()
  await t.page.locator('aside h2', { hasText: '楼内商户17' }).waitFor()
  expect(await list.getByRole('button', { pressed: true }).textContent()).toContain('楼内商户17')
  await t.close()
})

test('thousands at one place, which no zoom takes apart, are listed where the map ends', async () => {
  const t = await open(browser, server, explorerAt(tower, 17.5, 'tower'))
  await mapIdle(t.page)
  await apart(t.page, tower)
  expect(await pointed(t.page, tower)).toBe('此处共 8,000 条，点击列出')
  await t.page.mouse.down()
  await t.page.mouse.up()
  const list = t.page.getByRole('region', { name: '此处有 8,000 个要素' })
  await list.waitFor()
  expect(await list.getByRole('button').count()).toBe(200)
  await t.close()
})
