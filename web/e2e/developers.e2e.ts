// The page of the developers' guide, as it stands there.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launch, open } from './browser'
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

const repository = join(import.meta.dirname, '..', '..')

interface Example {
  map: { queryRenderedFeatures(o: { layers: string[] }): unknown[]; loaded(): boolean }
  features: Map<string, { properties: { occupied: number } }>
}

test("the guide's page draws tiles with MapLibre and follows a live layer", async () => {
  const html = /^```html run\n(.*?)^```/ms.exec(readFileSync(join(repository, 'docs', 'developers.md'), 'utf8'))?.[1]
  if (!html) throw new Error('the guide has no page')
  const t = await open(browser, server, 'about:blank')
  const { page } = t
  await page.route('**/map.html', route => route.fulfill({ contentType: 'text/html; charset=utf-8', body: html }))
  await page.route('**/maplibre-gl/*', route =>
    route.fulfill({
      contentType: route.request().url().endsWith('.css') ? 'text/css' : 'text/javascript',
      path: join(
        repository,
        'web/node_modules/maplibre-gl/dist',
        new URL(route.request().url()).pathname.split('/').pop() ?? '',
      ),
    }),
  )
  await page.goto(`${server.url}/map.html`)
  const example = () => (window as unknown as { example?: Example }).example
  await page.waitForFunction(
    `(${example})()?.map.queryRenderedFeatures({ layers: ['hospitals'] }).length > 0 && (${example})().features.size > 0`,
    undefined,
    { timeout: 60_000 },
  )
  const feature = { id: 'guide-2', geometry: { type: 'Point', coordinates: [108.4, 22.8] } }
  await server.put('shelters', {
    ...feature,
    properties: { name: '示例安置点', capacity: 9, occupied: 1, status: 'open' },
  })
  await page.waitForFunction(`(${example})().features.get('guide-2')?.properties.occupied === 1`)
  await server.delete('shelters', 'guide-2')
  await page.waitForFunction(`!(${example})().features.has('guide-2')`)
  expect(t.external).toEqual([])
  expect(t.errors).toEqual([])
  await t.close()
})
