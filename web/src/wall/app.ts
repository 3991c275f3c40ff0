// The wall's life: enrolled or not, connected or not, scene after scene, for
// weeks in one page.

import { ApiClient, ApiError, type BBox, type Collection } from '../api'
import { textIn } from '../i18n'
import { inspection, LiveClient, liveURL, type SceneNotice } from '../live'
import { loadFonts } from '../ui/fonts'
import { heapBytes, reloadReason } from './guards'
import { WallModel } from './model.svelte'
import { measuredLayers, type Scene } from './scenes'
import { Stage } from './stage'

const retry = 3_000 // ms until a server that does not answer is asked again
const enrolRetry = 15_000 // ms until a screen that is not enrolled asks again
const statsEvery = 10_000 // ms between two readings of /api/stats

/** The most features that the furniture reads one by one. */
const mostMeasured = 20_000

export class WallApp {
  readonly model = new WallModel()
  readonly #api = new ApiClient()
  #client: LiveClient | null = null
  #stage: Stage | null = null
  #container: HTMLElement | null = null
  #timers: ReturnType<typeof setInterval>[] = []
  #statsSoon: ReturnType<typeof setTimeout> | undefined
  #ownBuild: string | null = null
  #stopped = false

  /** Starts the wall on an element; returns the way to stop it. */
  start(container: HTMLElement): () => void {
    this.#container = container
    void this.#boot()
    return () => this.#stop()
  }

  project(at: [number, number]): { x: number; y: number } | null {
    return this.#stage?.project(at) ?? null
  }

  #stop(): void {
    this.#stopped = true
    for (const t of this.#timers) clearInterval(t)
    clearTimeout(this.#statsSoon)
    this.#client?.close()
    this.#stage?.destroy()
    delete window.__onemap
  }

  // Asks until the screen is enrolled and everything that a start needs has come.
  async #boot(): Promise<void> {
    while (!this.#stopped) {
      let wait = retry
      try {
        const session = await this.#api.session()
        if (session.view === 'public') {
          this.model.phase = 'signin'
          wait = enrolRetry
        } else {
          await this.#run()
          return
        }
      } catch (error) {
        const refused = error instanceof ApiError && error.status === 401
        this.model.phase = refused ? 'signin' : 'waiting'
        wait = refused ? enrolRetry : retry
        if (!refused) console.warn('wall: not started yet:', error)
      }
      await new Promise(r => setTimeout(r, wait))
    }
  }

  async #run(): Promise<void> {
    const { model } = this
    const [settings, collections, scenes, stats, fontFaces] = await Promise.all([
      this.#api.settings(),
      this.#api.collections(),
      this.#api.scenes<Scene[]>(),
      this.#api.stats(),
      loadFonts(),
    ])
    this.#ownBuild = settings.build
    model.settings = settings
    model.scenes = scenes
    model.takeCatalogue(collections)
    model.takeStats(stats)
    model.phase = 'running'

    this.#client = new LiveClient(liveURL(location), {
      onState: state => {
        model.connection = state
        if (state.status === 'live') void this.#readStats()
      },
      onTiles: layer => {
        this.#stage?.refresh(layer)
        this.#readStatsSoon()
      },
      onCatalogue: () => void this.#readCatalogue(),
      onScene: notice => this.#play(notice),
      onError: error => console.warn('live:', error.code, error.message, error.layer ?? ''),
    })
    this.#stage = new Stage({
      container: this.#container as HTMLElement,
      settings,
      region: regionOf(collections) ?? settings.bounds,
      fontFaces,
      onError: error => console.warn('map:', error.message),
    })
    this.#stage.onMove(() => {
      model.camera++
    })
    this.#subscribe()
    this.#stage.setEntries(model.judgedEntries())
    this.#client.join('wall')
    void this.#readDivisionNames()

    this.#timers.push(
      setInterval(() => this.#tick(), 1000),
      setInterval(() => model.digest(), 250),
      setInterval(() => void this.#readStats(), statsEvery),
    )
    const { client, stage } = { client: this.#client, stage: this.#stage }
    window.__onemap = inspection({
      client,
      idle: () => stage.idle,
      scene: () => model.scene?.id ?? null,
      sceneEndsIn: () => Date.parse(model.notice?.until ?? '') - client.serverNow(),
      shows: layer => stage.shows(layer),
      drawn: (layer, id) => stage.drawn(layer, id),
      drawnAt: (layer, id) => stage.drawnAt(layer, id),
      project: at => stage.project(at),
    })
  }

  // Every layer of every scene is followed all the time, so that no scene ever starts with old data.
  #subscribe(): void {
    const measured = measuredLayers(this.model.scenes)
    const wanted = new Set([...this.model.scenes.flatMap(s => s.layers.map(l => l.id)), ...measured])
    for (const id of wanted) {
      const entry = this.model.entry(id)
      const { client, stage } = { client: this.#client, stage: this.#stage }
      if (!entry || !client || !stage) continue
      const live = entry.layer.display?.live === true
      if (!live && !(measured.has(id) && entry.status.count <= mostMeasured)) {
        client.subscribe(id, { mode: 'tiles' })
        continue
      }
      const known = client.store(id)
      const store = client.subscribe(id, { mode: 'features' })
      if (known) continue
      this.model.follow(store)
      if (live) stage.follow(store)
      else store.onChange(() => stage.refresh(id)) // drawn from tiles, measured feature by feature
    }
    // The base map is layers like any other, and may be replaced while the wall runs.
    for (const e of this.model.entries)
      if (e.layer.display?.base) this.#client?.subscribe(e.layer.id, { mode: 'tiles' })
  }

  #play(notice: SceneNotice): void {
    const { scenes } = this.model
    const at = scenes.findIndex(s => s.id === notice.scene)
    const scene = scenes[at]
    if (!scene) {
      void this.#readCatalogue() // a scene that came after this page did
      return
    }
    if (this.model.scene?.id === scene.id) {
      this.model.notice = notice
      return
    }
    if (this.model.scene && this.#reloadIfDue()) return
    this.model.takeScene(scene, notice)
    this.#stage?.play(scene, scenes[(at + 1) % scenes.length] ?? null)
  }

  // Between two scenes the page may begin anew, if the server can give it one.
  #reloadIfDue(): boolean {
    const reason = reloadReason({
      ownBuild: this.#ownBuild,
      serverBuild: this.#client?.hello?.build ?? null,
      heap: heapBytes(),
      uptime: performance.now(),
    })
    if (!reason) return false
    console.info('wall: loading the page again:', reason)
    void fetch('/wall', { cache: 'no-store' }).then(
      r => r.ok && location.reload(),
      () => undefined,
    )
    return true
  }

  #tick(): void {
    const { model } = this
    if (this.#client) {
      model.now = this.#client.serverNow()
      model.silence = this.#client.state.status === 'live' ? 0 : (Date.now() - this.#client.state.since) / 1000
    }
    if (model.statesChanged()) this.#stage?.setEntries(model.judgedEntries())
  }

  #readStatsSoon(): void {
    clearTimeout(this.#statsSoon)
    this.#statsSoon = setTimeout(() => void this.#readStats(), 400)
  }

  async #readStats(): Promise<void> {
    try {
      this.model.takeStats(await this.#api.stats())
    } catch {
      // The title bar says already that the server is away.
    }
  }

  async #readCatalogue(): Promise<void> {
    try {
      this.model.scenes = await this.#api.scenes<Scene[]>()
      this.model.takeCatalogue(await this.#api.collections())
      this.#subscribe()
      this.#stage?.setEntries(this.model.judgedEntries())
    } catch (error) {
      console.warn('wall: catalogue:', error)
    }
  }

  async #readDivisionNames(): Promise<void> {
    try {
      const labels = this.model.entries.find(e => e.layer.display?.base === 'label')
      if (!labels) return
      const { features } = await this.#api.items(labels.layer.id, { limit: 5000 })
      this.model.takeDivisionNames(features)
    } catch (error) {
      console.warn('wall: names of divisions:', error)
    }
  }
}

/** The outline's bounds. */
function regionOf(collections: Collection[]): BBox | null {
  return collections.find(c => c.layer.display?.base === 'outline')?.extent?.spatial?.bbox[0] ?? null
}

/** The captions that no wall may lack: synthetic data, schematic outlines, review of the map. */
export function captionsOf(model: WallModel): string[] {
  const s = model.settings
  if (!s) return []
  return [s.syntheticCaption, s.schematicCaption, s.reviewCaption].map(c => textIn('zh', c)).filter(c => c !== '')
}
