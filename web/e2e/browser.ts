// A real browser with software WebGL, and pages that remember what went wrong.

import { type Browser, chromium, type Page } from 'playwright-core'
import type { Server, View } from './server'

/** Debian's Chromium; another one by CHROMIUM. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

// Headless WebGL without a graphics card, and a browser that phones nobody.
const args = [
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--ignore-gpu-blocklist',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export const launch = (): Promise<Browser> => chromium.launch({ executablePath, args })

export interface Opened {
  page: Page
  /** Console errors and uncaught exceptions. */
  errors: string[]
  /** Requests to anywhere but the server. */
  external: string[]
  close(): Promise<void>
}

export interface OpenOptions {
  view?: View
  width?: number
  height?: number
  colorScheme?: 'light' | 'dark'
}

/** Opens a page of the server in a fresh profile, signed in by the link that the server prints. */
export async function open(browser: Browser, server: Server, path: string, o: OpenOptions = {}): Promise<Opened> {
  const context = await browser.newContext({
    viewport: { width: o.width ?? 1440, height: o.height ?? 900 },
    colorScheme: o.colorScheme ?? 'light',
    locale: 'zh-CN',
    timezoneId: 'Asia/Shanghai',
  })
  const page = await context.newPage()
  const errors: string[] = []
  const external: string[] = []
  page.on('console', m => {
    if (m.type() === 'error') errors.push(`${m.text()} (${m.location().url})`)
  })
  page.on('pageerror', e => errors.push(String(e.stack ?? e)))
  page.on('request', r => {
    if (!/^(data|blob):/.test(r.url()) && new URL(r.url()).host !== new URL(server.url).host) external.push(r.url())
  })
  const view = o.view ?? 'public'
  const target = view === 'public' ? path : `/signin?token=${server.tokens[view]}&next=${encodeURIComponent(path)}`
  if (path !== 'about:blank') await page.goto(server.url + target, { waitUntil: 'commit' })
  return { page, errors, external, close: () => context.close() }
}

/** Waits until the page says that its map has drawn everything; returns when, in ms since the page began. */
export async function mapIdle(page: Page): Promise<number> {
  await page.waitForFunction(
    () => window.__onemap?.idle === true || document.querySelector('[data-idle]') !== null,
    undefined,
    { timeout: 60_000, polling: 50 },
  )
  return page.evaluate(() => performance.now())
}

/** A camera that shows a place at a known pixel of the explorer, and nothing but some layers. */
export function explorerAt([lon, lat]: [number, number], zoom: number, layers: string): string {
  return `/#map=${zoom}/${lat}/${lon}&on=${layers}`
}

/** How many features of a live layer the page holds. */
export const count = (page: Page, layer: string): Promise<number> =>
  page.evaluate(l => window.__onemap?.count(l) ?? -1, layer)

/** Waits until a feature is on the screen, or is not any more. */
export async function drawn(page: Page, layer: string, id: string, there = true): Promise<void> {
  const seen = await page.evaluate(
    async ([l, i, t]) => {
      const frame = () => new Promise(r => requestAnimationFrame(r))
      const began = performance.now()
      while (window.__onemap?.drawn(l as string, i as string) !== t) {
        if (performance.now() - began > 60_000) return false // longer than a scene that does not show the layer
        await frame()
      }
      // The frame that draws it is handed in with the first, and the second begins when the painter has kept up.
      await frame()
      await frame()
      return true
    },
    [layer, id, there] as const,
  )
  if (!seen) throw new Error(`the map does not ${there ? 'draw' : 'drop'} ${layer}/${id}`)
}

/** Waits until the page holds a feature of a live layer, or does not any more. */
export async function holds(page: Page, layer: string, id: string, there = true): Promise<void> {
  await page.waitForFunction(
    ([l, i, t]) => (window.__onemap?.feature(l as string, i as string) !== undefined) === t,
    [layer, id, there] as const,
    { timeout: 20_000, polling: 'raf' },
  )
}

/**
 * Takes the scene clock from the server, for pictures alone: returns a function that shows a scene. Everything else
 * passes between page and server as it is.
 */
export async function pinnedScene(page: Page): Promise<(id: string) => Promise<void>> {
  let current = ''
  let tell = (): void => undefined
  await page.routeWebSocket('**/live', ws => {
    const server = ws.connectToServer()
    server.onMessage(message => {
      if (JSON.parse(String(message)).type === 'scene') tell()
      else ws.send(message)
    })
    tell = () => {
      const [now, until] = [new Date(), new Date(Date.now() + 3_600_000)]
      if (current) {
        ws.send(JSON.stringify({ type: 'scene', scene: current, index: 0, count: 3, started: now, until, time: now }))
      }
    }
  })
  return async id => {
    current = id
    tell()
  }
}
