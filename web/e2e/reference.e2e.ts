// The interactive reference: everything comes from this server, and what one tries is answered by it.

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

test('the reference shows every operation and fetches nothing from elsewhere', async () => {
  const t = await open(browser, server, '/api/reference')
  await t.page.locator('.opblock').first().waitFor()
  const definition = (await (await server.fetch('/api/openapi.json', 'public')).json()) as {
    paths: object
    info: { title: string }
  }
  const operations = Object.values(definition.paths)
    .filter(item => !('servers' in item))
    .flatMap(item => Object.keys(item).filter(k => k !== 'parameters'))
  expect(await t.page.locator('.opblock').count()).toBe(operations.length)
  expect(await t.page.title()).toBe(`${definition.info.title} · 接口文档`)
  expect(t.external).toEqual([])
  expect(t.errors).toEqual([])
  await t.close()
})

test('a request is tried with a token, and sees what the token may see', async () => {
  const t = await open(browser, server, '/api/reference')
  const { page } = t
  const session = page.locator('#operations-Pages-getSession')
  await session.locator('.opblock-summary-control').click()
  const tried = async () => {
    const answered = page.waitForResponse('**/api/session')
    await session.getByRole('button', { name: 'Execute' }).click()
    return ((await (await answered).json()) as { view: string }).view
  }
  expect(await tried()).toBe('public')
  await session.locator('.live-responses-table').getByText('"public"').first().waitFor()
  await page.getByRole('button', { name: 'Authorize' }).click()
  const dialog = page.locator('.auth-container').filter({ hasText: 'bearer' })
  await dialog.locator('input').fill(server.tokens.official)
  await dialog.getByRole('button', { name: 'Apply credentials' }).click()
  await dialog.getByRole('button', { name: 'Close' }).click()
  expect(await tried()).toBe('official')
  expect(t.external).toEqual([])
  expect(t.errors).toEqual([])
  await t.close()
})

test('a page of features is had without filling anything in', async () => {
  const t = await open(browser, server, '/api/reference')
  const items = t.page.locator('#operations-Data-getFeatures')
  await items.locator('.opblock-summary-control').click()
  const answered = t.page.waitForResponse(r => r.url().includes('/items'))
  await items.getByRole('button', { name: 'Execute' }).click()
  const answer = await answered
  const all = (await (await server.fetch(new URL(answer.url()).pathname, 'public')).json()) as { numberMatched: number }
  expect([answer.status(), ((await answer.json()) as { numberMatched: number }).numberMatched]).toEqual([
    200,
    all.numberMatched,
  ])
  expect(t.errors).toEqual([])
  await t.close()
})
