// The real server as a child process, on a free port and with a data directory
// of its own.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { createDatabase, dropDatabase } from './database'

export interface Tokens {
  official: string
  writer: string
  wall: string
}

export type View = 'public' | keyof Tokens

interface StartOptions {
  bin: string
  data: string
  store?: string
  port?: number
  sample?: boolean
}

export class Server {
  #child: ChildProcess | null = null
  log = ''

  constructor(
    readonly bin: string,
    readonly data: string,
    readonly port: number,
    /** URL of its database; '' is the GeoPackage in the data directory */
    readonly store: string,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get tokens(): Tokens {
    return JSON.parse(readFileSync(join(this.data, 'tokens.json'), 'utf8'))
  }

  /** The GeoPackage, for editing it behind the server's back. */
  get file(): string {
    return join(this.data, 'onemap.gpkg')
  }

  /** Imports a file into a new open layer; the server must not run. */
  import(file: string, layer: string): void {
    const args = [file, '--layer', layer, '--sharing', 'unconditional', '--open', '--data', this.data]
    execFileSync(this.bin, ['import', ...args], { env: { ...process.env, ONEMAP_STORE: this.store }, stdio: 'pipe' })
  }

  async boot(extra: string[] = []): Promise<void> {
    const child = spawn(this.bin, ['serve', '--addr', `127.0.0.1:${this.port}`, '--data', this.data, ...extra], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ONEMAP_STORE: this.store },
    })
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', chunk => {
        this.log = (this.log + chunk).slice(-100_000)
      })
    }
    const deadline = Date.now() + 60_000
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${this.log}`)
      const ready = await fetch(`${this.url}/readyz`).then(
        r => r.ok,
        () => false,
      )
      if (ready) return
      if (Date.now() > deadline) throw new Error(`the server did not get ready:\n${this.log}`)
      await new Promise(r => setTimeout(r, 50))
    }
  }

  /** Ends the server as a power cut would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Ends the server as an operator would. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#child = null
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(r => child.once('exit', r))
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
    await ended
    clearTimeout(timer)
  }

  /** Asks the API as a view. */
  fetch(path: string, view: View, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    if (view !== 'public') headers.set('Authorization', `Bearer ${this.tokens[view]}`)
    return fetch(this.url + path, { ...init, headers })
  }

  async json<T>(path: string, view: View): Promise<T> {
    const r = await this.fetch(path, view)
    if (!r.ok) throw new Error(`${path}: ${r.status} ${await r.text()}`)
    return (await r.json()) as T
  }

  /** Creates a feature. */
  async put(layer: string, feature: { id: string; geometry: object; properties: object }): Promise<void> {
    const r = await this.fetch(`/api/collections/${layer}/items`, 'writer', {
      method: 'POST',
      headers: { 'Content-Type': 'application/geo+json' },
      body: JSON.stringify({ type: 'Feature', ...feature }),
    })
    if (!r.ok) throw new Error(`POST to ${layer}: ${r.status} ${await r.text()}`)
  }

  async move(layer: string, id: string, coordinates: [number, number]): Promise<void> {
    const r = await this.fetch(`/api/collections/${layer}/items/${id}`, 'writer', {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/merge-patch+json' },
      body: JSON.stringify({ geometry: { type: 'Point', coordinates } }),
    })
    if (!r.ok) throw new Error(`PATCH ${layer}/${id}: ${r.status} ${await r.text()}`)
  }

  async delete(layer: string, id: string): Promise<void> {
    const r = await this.fetch(`/api/collections/${layer}/items/${id}`, 'writer', { method: 'DELETE' })
    if (!r.ok) throw new Error(`DELETE ${layer}/${id}: ${r.status} ${await r.text()}`)
  }
}

export async function start({ bin, data, store, port, sample }: StartOptions): Promise<Server> {
  const server = new Server(bin, data, port ?? (await freePort()), store ?? '')
  await server.boot(sample ? ['--sample'] : [])
  return server
}

/** Boots a server on a fresh copy of the sample. The way out stops it and removes the copy. */
export async function startCopy(): Promise<{ server: Server; end: () => Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), 'onemap-e2e-'))
  const data = join(dir, 'data')
  if (!existsSync(inject('seed'))) throw new Error('no seed')
  cpSync(inject('seed'), data, { recursive: true })
  const store = createDatabase(inject('seedStore'))
  const server = await start({ bin: inject('bin'), data, store })
  return {
    server,
    end: async () => {
      await server.stop()
      dropDatabase(store)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}
