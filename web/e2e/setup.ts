// Builds the front end and the server, and makes one data directory with the
// sample in it, which every test copies.
//
// ONEMAP_E2E_BIN names a server that is built already, ONEMAP_E2E_SEED a data
// directory with the sample (made there if it is not), to run single tests sooner.
// ONEMAP_E2E_STORE runs them on PostgreSQL: see database.ts.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { createDatabase, dropDatabase } from './database'
import { start } from './server'

declare module 'vitest' {
  export interface ProvidedContext {
    bin: string
    seed: string
    seedStore: string
  }
}

const repository = join(import.meta.dirname, '..', '..')

export default async function setup(project: TestProject) {
  const dir = mkdtempSync(join(tmpdir(), 'onemap-e2e-'))
  let bin = process.env.ONEMAP_E2E_BIN ?? ''
  if (!bin) {
    bin = join(dir, 'onemap')
    timed('front end built', () =>
      execFileSync('npx', ['vite', 'build', '--logLevel', 'warn'], { cwd: join(repository, 'web'), stdio: 'inherit' }),
    )
    timed('server built', () =>
      execFileSync('go', ['build', '-o', bin, './cmd/onemap'], { cwd: repository, stdio: 'inherit' }),
    )
  }
  const seed = process.env.ONEMAP_E2E_SEED ?? join(dir, 'seed')
  const seedStore = createDatabase()
  if (seedStore || !existsSync(seed)) {
    const began = performance.now()
    const server = await start({ bin, data: seed, store: seedStore, sample: true })
    await server.stop()
    console.log(`sample data loaded: ${((performance.now() - began) / 1000).toFixed(1)} s`)
  }
  project.provide('bin', bin)
  project.provide('seed', seed)
  project.provide('seedStore', seedStore)
  return () => {
    dropDatabase(seedStore)
    rmSync(dir, { recursive: true, force: true })
  }
}

function timed(what: string, run: () => void): void {
  const began = performance.now()
  run()
  console.log(`${what}: ${((performance.now() - began) / 1000).toFixed(1)} s`)
}
