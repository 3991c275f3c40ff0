import type { Feature } from 'geojson'
import {
  ApiClient,
  ApiError,
  type Attribute,
  type BBox,
  type Collection,
  type DivisionProfile,
  type Entry,
  type Join,
  type LonLat,
  OfflineError,
  type OnemapFeature,
  type SearchResult,
  type Session,
  type Settings,
  type Text,
  type ThemeNode,
} from '../api'
import { type Dictionary, dictionary, textIn } from '../i18n'
import { type ConnectionState, LiveClient, liveURL } from '../live'
import type { Hit, Hits } from '../map'
import { fromHash, type LayerState, type MapState, type Selection, toHash } from '../state'
import { canBeDense, type Density, themes } from '../style'
import { type ChoroplethData, choroplethOf, loadDivisions } from './choropleth'
import { around } from './geometry'

/** What a panel waits for: an answer, or why there is none. */
export type Loaded<T> = { status: 'loading' } | { status: 'ready'; value: T } | { status: 'failed'; error: unknown }

/** A division's level, code and names, as breadcrumbs and tables need them. */
export interface DivisionName {
  code: string
  name: string
  nameEn?: string
  level: number
  parent?: string
}

/** Where the camera is to go. */
export interface Flight {
  bbox?: BBox
  center?: LonLat
  zoom?: number
}

/** Features to choose from, and how many there are in all. */
export interface Candidates {
  hits: readonly Hit[]
  total: number
}
const nobody: Candidates = { hits: [], total: 0 }

const listed = 200 // features of a place that one can choose from
const cellSize = 8 // pixels: how far what is merged may lie from where it is drawn
const statsEvery = 30_000 // ms between two readings of counts and ages
const retryEvery = 3_000 // ms between two tries to start

/**
 * What the explorer knows and does, without a word of how it looks. The map-state document is `state`; all else is read
 * from the server. MapView.svelte draws it.
 */
export class Explorer {
  readonly api: ApiClient
  state: MapState = $state(fromHash(location.hash))

  settings: Settings | null = $state(null)
  session: Session | null = $state(null)
  themes: ThemeNode[] = $state([])
  entries: Entry[] = $state.raw([])
  /** What the map shows at first: the extent of the base map's outline. */
  region: BBox | null = $state.raw(null)
  failure: unknown = $state(null)
  connection: ConnectionState = $state({ status: 'reconnecting', since: Date.now() })
  everConnected = $state(false)
  divisions: DivisionName[] = $state.raw([])
  choroplethData: ChoroplethData | null = $state.raw(null)

  hover: { hits: Hits; at: { x: number; y: number } } | null = $state.raw(null)
  /** The features at the place that was clicked, to choose from. */
  candidates: Candidates = $state.raw(nobody)
  feature: Loaded<OnemapFeature> | null = $state.raw(null)
  profile: Loaded<DivisionProfile> | null = $state.raw(null)
  join: Loaded<Join> | null = $state.raw(null)
  /** Outline of the selected division or the selected feature itself. */
  highlight: Feature[] = $state.raw([])

  panelOpen = $state(true)
  /** What the reader wants of the legend; null: folded while a card needs the room. */
  legendWanted: boolean | null = $state(null)
  scale = $state(1)
  zoom = $state(0)
  now = $state(Date.now())

  words: Dictionary = $derived(dictionary(this.state.lang))
  theme = $derived(themes[this.state.theme])
  byId = $derived(new Map(this.entries.map(e => [e.layer.id, e])))
  /** Layers that can be switched: all but the base map. */
  catalogue = $derived(this.entries.filter(e => !e.layer.display?.base))
  shown: LayerState[] = $derived(
    (this.state.layers ?? this.#defaults()).filter(s => {
      const entry = this.byId.get(s.id)
      return entry && !entry.layer.display?.base
    }),
  )
  shownIds = $derived(new Set(this.shown.map(s => s.id)))
  choropleth = $derived(
    this.state.choropleth ? choroplethOf(this.entries, this.state.choropleth, this.choroplethData) : null,
  )

  /** The map can't zoom in any more. */
  closest = $derived(this.settings !== null && this.zoom > this.settings.maxZoom - 0.01)
  legendOpen = $derived(this.legendWanted ?? this.state.selection === null)

  live: LiveClient | null = null
  #abort = new Map<string, AbortController>()
  #timers: ReturnType<typeof setInterval>[] = []
  #flight: Flight | null = null
  // The camera follows what is selected, but not a link that says itself where to look.
  #follows = this.state.camera === null
  #names = new Map<string, Promise<string>>()
  /** The map's ear for wishes to move the camera, while there is a map. */
  onFly: ((to: Flight) => void) | null = null
  onHome: (() => void) | null = null
  onTilesChanged: ((layer: string) => void) | null = null

  constructor(api = new ApiClient()) {
    this.api = api
  }

  /** Loads what the page needs; tries again until the server answers. Returns the way out. */
  start(): () => void {
    void this.#load()
    this.live = new LiveClient(liveURL(location), {
      onState: state => {
        this.connection = state
        if (state.status === 'live') this.everConnected = true
      },
      onTiles: layer => {
        this.onTilesChanged?.(layer)
        const selected = this.state.selection
        if (selected?.kind === 'feature' && selected.layer === layer) void this.#readFeature(selected, true)
      },
      onCatalogue: () => void this.#readCatalogue(),
    })
    this.#timers.push(setInterval(() => void this.#readStats(), statsEvery))
    this.#timers.push(
      setInterval(() => {
        this.now = this.live?.serverNow() ?? Date.now()
      }, 1000),
    )
    const onHash = () => this.#follow()
    addEventListener('hashchange', onHash)
    if (this.state.selection) this.#readSelection(this.state.selection)
    return () => {
      removeEventListener('hashchange', onHash)
      for (const timer of this.#timers) clearInterval(timer)
      this.live?.close()
    }
  }

  /** Moves the camera, as soon as there is one. */
  flyTo(to: Flight): void {
    if (this.onFly) this.onFly(to)
    else this.#flight = to
  }

  /** The wish that came before the map. */
  takeFlight(): Flight | null {
    const flight = this.#flight
    this.#flight = null
    return flight
  }

  text(text: Text | string | undefined): string {
    return textIn(this.state.lang, text)
  }

  divisionLabel(d: { name: string; nameEn?: string }): string {
    return this.state.lang === 'en' ? d.nameEn || d.name : d.name
  }

  // Layers

  isOn(id: string): boolean {
    return this.shownIds.has(id)
  }

  setOn(id: string, on: boolean): void {
    const rest = this.shown.filter(s => s.id !== id)
    this.state.layers = on ? [...rest, { id, opacity: 1 }] : rest
  }

  setOpacity(id: string, opacity: number): void {
    this.state.layers = this.shown.map(s => (s.id === id ? { ...s, opacity } : s))
  }

  /** What is drawn instead of a layer's points, if anything is. */
  densityOf(entry: Entry): Density | undefined {
    return canBeDense(entry) ? this.shown.find(s => s.id === entry.layer.id)?.density : undefined
  }

  setDensity(id: string, density: Density | undefined): void {
    this.state.layers = this.shown.map(s =>
      s.id === id ? { id, opacity: s.opacity, ...(density ? { density } : {}) } : s,
    )
  }

  setDefaults(): void {
    this.state.layers = null
  }

  allOff(): void {
    this.state.layers = []
  }

  setChoropleth(id: string | null): void {
    this.state.choropleth = id
    if (id) void this.needDivisions()
  }

  /** Reads the divisions once: names for tables and breadcrumbs, numbers for the choropleth. */
  async needDivisions(): Promise<void> {
    if (this.choroplethData || this.entries.length === 0) return
    try {
      this.choroplethData = await loadDivisions(this.api, this.entries)
      this.divisions = this.choroplethData.names
    } catch (error) {
      this.#report(error)
    }
  }

  // Selection

  select(selection: Selection | null, candidates: Candidates = nobody): void {
    this.candidates = candidates
    this.legendWanted = null
    this.#follows = true
    this.state.selection = selection
    this.#readSelection(selection)
  }

  close(): void {
    this.select(null)
  }

  /** Goes to a search result and selects it. */
  open(result: SearchResult): void {
    const entry = this.byId.get(result.layer)
    if (result.bbox && result.bbox[2] - result.bbox[0] > 0.01) this.flyTo({ bbox: result.bbox })
    else this.flyTo({ center: result.center, zoom: 13 })
    const base = entry?.layer.display?.base
    if (result.division && (base === 'division' || base === 'township')) {
      this.select({ kind: 'division', code: result.division })
    } else {
      if (entry && !base && !this.isOn(result.layer)) this.setOn(result.layer, true)
      this.select({ kind: 'feature', layer: result.layer, id: result.id })
    }
  }

  /** Somebody pressed on the map. */
  pressed(hits: Hits): void {
    const first = hits.features[0]
    if (first?.merged && this.closest) {
      void this.#list(first.layer, first.merged.at)
      return
    }
    if (first?.merged) {
      this.flyTo({ center: first.merged.at, zoom: this.zoom + 2 })
      return
    }
    if (first) {
      const alone = hits.features.filter(hit => !hit.merged)
      this.select(
        { kind: 'feature', layer: first.layer, id: first.id },
        { hits: alone.slice(0, listed), total: alone.length },
      )
      return
    }
    const code = hits.area && this.#codeOf(hits.area)
    if (code) this.select({ kind: 'division', code })
    else this.close()
  }

  /** Lists what is merged at a place, because the map can't zoom in to take it apart. */
  async #list(layer: string, at: LonLat): Promise<void> {
    const read = await this.#answer('list', signal =>
      this.api.items(layer, { bbox: around(at, this.zoom, cellSize), limit: listed }, signal),
    )
    if (read?.status === 'failed') this.#report(read.error)
    if (read?.status !== 'ready') return
    const { features, numberMatched: total } = read.value
    const hits = features.map(f => ({ layer, id: f.id, properties: f.properties }))
    if (hits[0]) this.select({ kind: 'feature', layer, id: hits[0].id }, { hits, total })
  }

  /** The name of a division by its code, or the code. */
  divisionName(code: string): Promise<string> {
    const key = `${this.state.lang}/${code}`
    let name = this.#names.get(key)
    if (!name) {
      name = this.#findDivisionName(code).catch(() => code)
      this.#names.set(key, name)
    }
    return name
  }

  async #findDivisionName(code: string): Promise<string> {
    await this.needDivisions()
    const known = this.divisions.find(d => d.code === code)
    if (known) return this.divisionLabel(known)
    const township = this.entries.find(e => e.layer.display?.base === 'township')
    const attribute = township?.layer.schema.find(a => a.role === 'division')
    const name = township?.layer.schema.find(a => a.role === 'name')
    if (!township || !attribute || !name) return code
    const page = await this.api.items(township.layer.id, { where: { [attribute.name]: code }, limit: 1 })
    return String(page.features[0]?.properties[name.name] ?? code)
  }

  /** The divisions above a code, largest first. */
  ancestors(code: string, parent?: string): DivisionName[] {
    const chain: DivisionName[] = []
    let next = parent ?? this.divisions.find(d => d.code === code)?.parent
    while (next) {
      const division = this.divisions.find(d => d.code === next)
      if (!division) break
      chain.unshift(division)
      next = division.parent
    }
    return chain
  }

  #codeOf(area: Hit): string | null {
    const schema = this.byId.get(area.layer)?.layer.schema
    const attribute = schema?.find(a => a.role === 'division')
    const code = attribute && area.properties[attribute.name]
    return typeof code === 'string' ? code : null
  }

  #readSelection(selection: Selection | null): void {
    this.feature = this.profile = this.join = null
    this.highlight = []
    for (const key of ['feature', 'profile', 'join', 'outline', 'list']) this.#abort.get(key)?.abort()
    if (!selection) return
    switch (selection.kind) {
      case 'feature':
        void this.#readFeature(selection)
        break
      case 'division':
        void this.needDivisions()
        void this.#readProfile(selection.code)
        void this.#readOutline(selection.code)
        break
      case 'enterprise':
        void this.#readJoin(selection.code)
        break
    }
  }

  async #readFeature(selection: { layer: string; id: string }, again = false): Promise<void> {
    if (!again) this.feature = { status: 'loading' }
    const read = await this.#answer('feature', signal => this.api.feature(selection.layer, selection.id, signal))
    if (!read) return
    this.feature = read
    this.highlight = read.status === 'ready' && read.value.geometry ? [read.value as Feature] : []
  }

  /** A live feature that is selected moved, changed or went. */
  featureChanged(layer: string, id: string, feature: OnemapFeature | null): void {
    const s = this.state.selection
    if (s?.kind !== 'feature' || s.layer !== layer || s.id !== id) return
    if (feature) {
      this.feature = { status: 'ready', value: feature }
      this.highlight = feature.geometry ? [feature as Feature] : []
    } else {
      this.feature = { status: 'failed', error: new ApiError({ title: 'gone', status: 404 }) }
      this.highlight = []
    }
  }

  async #readProfile(code: string): Promise<void> {
    this.profile = { status: 'loading' }
    const read = await this.#answer('profile', signal => this.api.division(code, signal))
    if (!read) return
    this.profile = read
    if (read.status !== 'ready' || !this.#follows) return
    const { level, bbox } = read.value.division
    if (level === 1) this.onHome?.()
    else if (bbox) this.flyTo({ bbox })
  }

  async #readJoin(code: string): Promise<void> {
    this.join = { status: 'loading' }
    const read = await this.#answer('join', signal => this.api.join('credit_code', code, signal))
    if (!read) return
    this.join = read
    if (read.status !== 'ready') return
    const place = read.value.layers.flatMap(l => l.features).find(f => f.geometry)
    this.highlight = place ? [place as Feature] : []
    if (place?.geometry?.type === 'Point' && this.#follows && this.state.camera === null) {
      this.flyTo({ center: place.geometry.coordinates as LonLat, zoom: 11 })
    }
  }

  async #readOutline(code: string): Promise<void> {
    if (code.endsWith('0000')) return // the whole region needs no mark, and no line that could pass for a border
    const part = code.length === 9 ? 'township' : 'division'
    const entry = this.entries.find(e => e.layer.display?.base === part)
    const attribute = entry?.layer.schema.find(a => a.role === 'division')
    if (!entry || !attribute) return
    const read = await this.#answer('outline', signal =>
      this.api.items(entry.layer.id, { where: { [attribute.name]: code }, limit: 1 }, signal),
    )
    if (read?.status === 'ready') this.highlight = read.value.features as Feature[]
  }

  /** Asks, forgetting the question of the same name before it. Null if it was forgotten itself. */
  async #answer<T>(key: string, ask: (signal: AbortSignal) => Promise<T>): Promise<Loaded<T> | null> {
    this.#abort.get(key)?.abort()
    const abort = new AbortController()
    this.#abort.set(key, abort)
    try {
      const value = await ask(abort.signal)
      return abort.signal.aborted ? null : { status: 'ready', value }
    } catch (error) {
      return abort.signal.aborted ? null : { status: 'failed', error }
    }
  }

  // Loading

  async #load(): Promise<void> {
    try {
      const [settings, session, themeTree, collections] = await Promise.all([
        this.api.settings(),
        this.api.session(),
        this.api.themes(),
        this.api.collections(),
      ])
      this.settings = settings
      this.session = session
      this.themes = themeTree
      this.entries = collections.map(toEntry)
      this.region =
        collections.find(c => c.layer.display?.base === 'outline')?.extent?.spatial?.bbox[0] ?? settings.bounds
      this.failure = null
      if (this.state.choropleth || this.state.selection?.kind === 'division') void this.needDivisions()
      if (this.state.selection?.kind === 'division') void this.#readOutline(this.state.selection.code)
    } catch (error) {
      this.failure = error
      setTimeout(() => void this.#load(), retryEvery)
    }
  }

  async #readCatalogue(): Promise<void> {
    try {
      this.entries = (await this.api.collections()).map(toEntry)
    } catch (error) {
      this.#report(error)
    }
  }

  async #readStats(): Promise<void> {
    if (document.hidden || this.entries.length === 0) return
    try {
      const stats = new Map((await this.api.stats()).layers.map(l => [l.id, l]))
      this.entries = this.entries.map(e => {
        const status = stats.get(e.layer.id)
        return status ? { layer: e.layer, status, tilesMaxZoom: status.tilesMaxZoom } : e
      })
      this.failure = null
    } catch (error) {
      this.#report(error)
    }
  }

  // A question in the background failed: say so only if nobody answers at all.
  #report(error: unknown): void {
    if (error instanceof OfflineError) this.failure = error
  }

  #defaults(): LayerState[] {
    return this.catalogue.filter(e => e.layer.display?.on).map(e => ({ id: e.layer.id, opacity: 1 }))
  }

  // Address

  /** Writes the state into the address. */
  writeAddress(): void {
    const hash = toHash(this.state)
    if (hash !== location.hash) history.replaceState(history.state, '', hash || location.pathname + location.search)
  }

  // Somebody changed the address by hand.
  #follow(): void {
    if (location.hash === toHash(this.state)) return
    const next = fromHash(location.hash)
    const camera = next.camera
    this.state = next
    this.candidates = nobody
    this.#follows = camera === null
    this.#readSelection(next.selection)
    if (next.choropleth) void this.needDivisions()
    if (camera) this.flyTo(camera)
    else this.onHome?.()
  }
}

function toEntry({ layer, status, tilesMaxZoom }: Collection): Entry {
  return { layer, status, tilesMaxZoom }
}

/** The attribute with a role. */
export function roleOf(schema: readonly Attribute[], role: Attribute['role']): Attribute | undefined {
  return schema.find(a => a.role === role)
}
