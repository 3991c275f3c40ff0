// What the wall knows and shows beside the map: plain values that the furniture
// draws. Everything here is bounded, because a wall runs for weeks.

import type { Collection, Entry, Freshness, LayerStat, OnemapFeature, Settings, Stats } from '../api'
import { textIn } from '../i18n'
import type { ConnectionState, FeatureStore, SceneNotice } from '../live'
import type { CounterData } from './CounterStrip.svelte'
import { nameOf } from './catalogue'
import { counted, type PanelData, panelOf } from './charts'
import { type Incident, latestIncidents } from './incidents'
import { type Level, levelOf, worstLevels } from './levels'
import type { Scene } from './scenes'

/** How many incidents the ticker turns through. */
const tickerLength = 12
/** How many alarms are marked on the map at the same time. */
const mostAlarms = 16
/** Seconds of silence after which real-time data are late: their update cycle. */
const patience = 300

const divisionKinds = new Set(['region', 'city', 'county'])

export type Phase = 'waiting' | 'signin' | 'running'

export class WallModel {
  phase = $state<Phase>('waiting')
  settings = $state.raw<Settings | null>(null)
  entries = $state.raw<Entry[]>([])
  scenes = $state.raw<Scene[]>([])
  scene = $state.raw<Scene | null>(null)
  notice = $state.raw<SceneNotice | null>(null)
  connection = $state.raw<ConnectionState>({ status: 'reconnecting', since: Date.now() })
  /** Milliseconds since 1970 by the server's clock, once a second. */
  now = $state(Date.now())
  /** Seconds since the connection was lost; 0 while there is one. */
  silence = $state(0)
  /** Changes when the camera moved. */
  camera = $state(0)
  stats = $state.raw<ReadonlyMap<string, LayerStat>>(new Map())
  /** Sizes of the layers that are followed feature by feature. */
  sizes = $state.raw<ReadonlyMap<string, number>>(new Map())

  tickerTitle = $state('')
  incidents = $state.raw<Incident[]>([])
  panels = $state.raw<PanelData[]>([])
  counters = $state.raw<CounterData[]>([])
  alarms = $state.raw<Level[]>([])
  divisionNames = $state.raw<ReadonlyMap<string, string>>(new Map())

  #dirty = false
  #stores = new Map<string, FeatureStore>()
  #states = ''

  takeCatalogue(collections: Collection[]): void {
    this.entries = collections.map(({ layer, status, tilesMaxZoom }) => ({ layer, status, tilesMaxZoom }))
    this.#dirty = true
  }

  takeStats(stats: Stats): void {
    this.stats = new Map(stats.layers.map(l => [l.id, l]))
    this.#dirty = true
  }

  takeScene(scene: Scene, notice: SceneNotice): void {
    this.scene = scene
    this.notice = notice
    this.#dirty = true
    this.digest()
  }

  /** Takes the names of divisions from the labels of the base map. */
  takeDivisionNames(labels: readonly OnemapFeature[]): void {
    const names = new Map<string, string>()
    for (const { properties: p } of labels) {
      if (typeof p.name !== 'string' || !divisionKinds.has(String(p.kind))) continue
      for (const code of [p.code, p.division]) {
        if (typeof code === 'string' && !names.has(code)) names.set(code, p.name)
      }
    }
    this.divisionNames = names
  }

  /** The name of a division, or of the nearest larger one that has a name. */
  divisionName(code: string): string {
    return this.divisionNames.get(code.slice(0, 6)) ?? this.divisionNames.get(`${code.slice(0, 4)}00`) ?? ''
  }

  entry(layer: string): Entry | undefined {
    return this.entries.find(e => e.layer.id === layer)
  }

  /** The newest that was told of a layer's state. */
  stat(layer: string): LayerStat | undefined {
    const e = this.entry(layer)
    return this.stats.get(layer) ?? (e ? { id: layer, ...e.status, tilesMaxZoom: e.tilesMaxZoom } : undefined)
  }

  /** How many features a layer has. */
  count(layer: string): number | null {
    return this.sizes.get(layer) ?? this.stat(layer)?.count ?? null
  }

  /**
   * How old a layer is and what that means. A wall that hears nothing knows nothing newer: without a connection even a
   * fresh real-time layer grows old.
   */
  judged(entry: Entry): { freshness: Freshness; age: number } {
    const stat = this.stat(entry.layer.id) ?? entry.status
    const age = stat.updated ? (this.now - Date.parse(stat.updated)) / 1000 : stat.ageSeconds
    if (this.silence < patience || stat.freshness !== 'fresh' || entry.layer.updateCycle !== 'realtime') {
      return { freshness: stat.freshness, age }
    }
    return { freshness: this.silence < 3 * patience ? 'late' : 'lost', age: Math.max(age, this.silence) }
  }

  /** The catalogue with the newest state of each layer. */
  judgedEntries(): Entry[] {
    return this.entries.map(e => ({
      layer: e.layer,
      status: { ...e.status, ...this.stat(e.layer.id), freshness: this.judged(e).freshness },
      tilesMaxZoom: this.stat(e.layer.id)?.tilesMaxZoom ?? e.tilesMaxZoom,
    }))
  }

  /** Whether a layer became late, lost or fresh since the last call, or has its tiles to another zoom. */
  statesChanged(): boolean {
    const states = this.judgedEntries()
      .map(e => e.layer.id + e.status.freshness + e.tilesMaxZoom)
      .join()
    if (states === this.#states) return false
    this.#states = states
    return true
  }

  /** Takes up a layer's features; what is drawn from them is computed by the next digest. */
  follow(store: FeatureStore): void {
    this.#stores.set(store.layer, store)
    store.onChange(() => {
      this.#dirty = true
      if (store.ready && this.sizes.get(store.layer) !== store.size) {
        this.sizes = new Map(this.sizes).set(store.layer, store.size)
      }
    })
  }

  /** Computes again what the furniture shows, if anything changed. Called a few times a second at most. */
  digest(): void {
    if (!this.#dirty) return
    this.#dirty = false
    const panels: PanelData[] = []
    for (const f of this.scene?.furniture ?? []) {
      const entry = this.entry(f.layer ?? '')
      const store = this.#stores.get(f.layer ?? '')
      if (f.kind === 'counters') {
        this.counters = (f.counters ?? []).flatMap(c =>
          this.entry(c.layer)
            ? [{ label: textIn('zh', c.label), value: counted(c, this.#stores.get(c.layer), this.count(c.layer)) }]
            : [],
        )
      } else if (f.kind === 'ticker' && entry && store) {
        this.tickerTitle = textIn('zh', f.title)
        this.incidents = latestIncidents(entry, store.values(), tickerLength)
      } else if (entry && store) {
        const panel = panelOf(f, entry, store)
        if (panel) panels.push(panel)
      }
    }
    this.panels = panels
    this.alarms = this.#alarms()
  }

  /** Stations in danger, of every layer that some scene shows the levels of: an alarm knows no scene. */
  #alarms(): Level[] {
    const layers = new Set(
      this.scenes
        .flatMap(s => s.furniture)
        .filter(f => f.kind === 'levels')
        .map(f => f.layer),
    )
    const alarms: Level[] = []
    for (const layer of layers) {
      const entry = this.entry(layer ?? '')
      const store = this.#stores.get(layer ?? '')
      if (!entry || !store) continue
      for (const f of store.values()) {
        const l = levelOf(f, nameOf(entry, f))
        if (l?.severity === 'danger' && l.at) alarms.push(l)
      }
    }
    return worstLevels(alarms, mostAlarms)
  }
}
