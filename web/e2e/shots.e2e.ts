// Pictures of both faces in the middle of the flood drill, to be judged by eye:
// web/e2e/shots, which git ignores.

import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { launch, mapIdle, open, pinnedScene } from './browser'
import { type Server, startCopy } from './server'

let browser: Browser
let server: Server
let end: () => Promise<void>
const shots = join(import.meta.dirname, 'shots')

beforeAll(async () => {
  mkdirSync(shots, { recursive: true })
  ;({ server, end } = await startCopy())
  await play(20, 18) // to minute six of the drill: the crest
  browser = await launch()
})
afterAll(async () => {
  await browser?.close()
  await end?.()
})

/** Plays the drill beside the server for some seconds, so many times as fast. */
async function play(speed: number, seconds: number): Promise<void> {
  const child = spawn(
    inject('bin'),
    ['simulate', '--scenario', 'flood-drill', '--reset', '--speed', String(speed), '--data', server.data],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  await new Promise(r => setTimeout(r, seconds * 1000))
  const ended = new Promise(r => child.once('exit', r))
  child.kill('SIGTERM')
  await ended
}

const walls: [width: number, height: number, scenes: string[]][] = [
  [1440, 900, ['overview', 'flood', 'livelihood']],
  [3840, 2160, ['overview', 'flood', 'livelihood']],
  [7680, 2160, ['flood']],
]

test.each(walls)(
  'the wall at %i × %i: %s',
  async (width, height, scenes) => {
    const t = await open(browser, server, 'about:blank', { width, height })
    const scene = await pinnedScene(t.page)
    await t.page.goto(`${server.url}/signin?token=${server.tokens.wall}&next=%2Fwall`)
    for (const id of scenes) {
      await scene(id)
      await t.page.waitForFunction(s => window.__onemap?.scene === s, id, { timeout: 30_000 })
      await t.page.waitForTimeout(2500) // the fade
      await mapIdle(t.page)
      await t.page.waitForTimeout(1500)
      await t.page.screenshot({ path: join(shots, `wall-${id}-${width}x${height}.png`), timeout: 60_000 })
    }
    expect(t.errors).toEqual([])
    expect(t.external).toEqual([])
    await t.close()
  },
  180_000,
)

const faces: [theme: string, lang: string, width: number, height: number][] = [
  ['night', 'zh', 1440, 900],
  ['night', 'en', 1440, 900],
  ['day', 'zh', 1440, 900],
  ['day', 'en', 1440, 900],
  ['night', 'zh', 3840, 2160],
  ['day', 'en', 3840, 2160],
]

test.each(faces)(
  'the explorer, %s, %s, %i × %i',
  async (theme, lang, width, height) => {
    const t = await open(browser, server, `/#theme=${theme}&lang=${lang}`, { view: 'official', width, height })
    await mapIdle(t.page)
    await t.page.waitForTimeout(2500) // live features, fonts
    await t.page.screenshot({ path: join(shots, `explorer-${theme}-${lang}-${width}x${height}.png`), timeout: 60_000 })
    expect(t.errors).toEqual([])
    expect(t.external).toEqual([])
    await t.close()
  },
  120_000,
)
