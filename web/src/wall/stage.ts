// The map behind the furniture: the current scene's layers to be seen, the next
// scene's loaded and hidden, and a fade between them.

import type { BBox, Entry, LonLat, Settings } from '../api'
import type { FeatureStore } from '../live'
import { type FontFaces, OneMap, Pacer, type Padding } from '../map'
import { compose, sourceOf } from '../style'
import { emphasised, legible, lookOf } from './legible'
import type { Scene } from './scenes'
import { asSeen, wallTheme } from './theme'

/** Milliseconds of a fade from one scene to the next. */
export const fade = 1600

/** How much larger than on a desk everything is drawn, at 1080 rows: a wall is looked at from eight metres. */
const distance = 1.9

/** In 1/1080 of the wall's height. */
const smallestText = 28

export interface StageOptions {
  container: HTMLElement
  settings: Settings
  /** The region's bounds, CRS84: what a scene shows if it does not say. */
  region: BBox
  fontFaces: FontFaces
  onError(error: Error): void
}

export class Stage {
  readonly #options: StageOptions
  readonly #map: OneMap
  readonly #resize: ResizeObserver
  #entries: readonly Entry[] = []
  #scene: Scene | null = null
  #next: Scene | null = null
  #stores = new Map<string, FeatureStore>()
  /** Layers whose features changed since they were handed to the map. */
  #changed = new Set<string>()
  readonly #pacer = new Pacer(() => this.#handOver())
  /** Layers whose features the map has. */
  #handed = new Set<string>()
  #idle = false
  #moves = new Set<() => void>()

  constructor(options: StageOptions) {
    this.#options = options
    const { container, settings, region, fontFaces } = options
    this.#map = new OneMap({
      container,
      camera: { center: [(region[0] + region[2]) / 2, (region[1] + region[3]) / 2], zoom: 6 },
      bounds: settings.bounds,
      minZoom: 0,
      maxZoom: settings.maxZoom,
      fontFaces,
      interactive: false,
      padding: padding(),
      fade,
      pixelRatio: 1, // a wall's pixels are counted, not scaled
      events: {
        onIdle: () => this.#onIdle(),
        onCamera: () => this.#moved(),
        onLost: () => {
          this.#idle = false
        },
        onError: options.onError,
      },
    })
    this.#resize = new ResizeObserver(() => this.#onResize())
    this.#resize.observe(container)
  }

  /** Everything that was asked for is drawn. */
  get idle(): boolean {
    return this.#idle
  }

  /** Whether the current scene shows a layer. */
  shows(layer: string): boolean {
    return shows(this.#scene, layer)
  }

  /** Whether a feature of the current scene is to be seen. */
  drawn(layer: string, id: string): boolean {
    return this.shows(layer) && this.#map.draws(layer, id)
  }

  /** Where a point is drawn now, on its way perhaps. */
  drawnAt(layer: string, id: string): [number, number] | null {
    return this.shows(layer) ? this.#map.drawnAt(layer, id) : null
  }

  /** Called when places on the screen changed. Returns the way out. */
  onMove(listener: () => void): () => void {
    this.#moves.add(listener)
    return () => this.#moves.delete(listener)
  }

  project(at: LonLat): { x: number; y: number } {
    return this.#map.project(at)
  }

  /** Takes the catalogue with its newest states; late layers grey, lost ones are hatched. */
  setEntries(entries: readonly Entry[]): void {
    this.#entries = entries
    this.#draw()
  }

  /** Follows the features of a live layer. */
  follow(store: FeatureStore): void {
    this.#stores.set(store.layer, store)
    store.onChange(() => this.#push(store.layer))
  }

  /** Tiles of a layer changed. */
  refresh(layer: string): void {
    const entry = this.#entries.find(e => e.layer.id === layer)
    if (!entry) return
    this.#idle = false
    this.#map.refreshTiles(sourceOf(entry))
  }

  /** Fades to a scene and gets the one after it ready. */
  play(scene: Scene, next: Scene | null): void {
    const first = this.#scene === null
    const before = this.#scene
    this.#scene = scene
    this.#next = before && before.id !== scene.id ? before : null // fades out, loaded until it is gone
    this.#draw()
    this.#look(first ? 0 : fade)
    setTimeout(
      () => {
        if (this.#scene !== scene) return
        this.#next = next
        this.#draw()
      },
      first ? 4000 : fade + 500,
    )
  }

  destroy(): void {
    this.#pacer.stop()
    this.#resize.disconnect()
    this.#map.destroy()
  }

  #draw(): void {
    const scene = this.#scene
    if (!scene) return
    this.#idle = false
    const scale = distance * unit()
    const focus = new Set(scene.layers.filter(l => l.style?.emphasis === 'focus').map(l => l.id))
    const hidden = (this.#next?.layers ?? []).filter(l => !shows(scene, l.id))
    const spec = compose({
      entries: this.#entries.map(e => asSeen(e, focus.has(e.layer.id))),
      shown: [
        ...hidden.map(({ id }) => ({ id, opacity: 0, labelZoom: 24 })),
        ...scene.layers.map(({ id, opacity, style }) => ({ id, opacity, labelZoom: style?.labels ? 0 : 24 })),
      ],
      theme: wallTheme,
      lang: 'zh',
      scale,
      origin: location.origin,
      bounds: this.#options.settings.bounds,
    })
    const looks = new Map(
      scene.layers.map(l => [
        l.id,
        lookOf(
          l,
          this.#entries.find(e => e.layer.id === l.id),
        ),
      ]),
    )
    this.#map.show(legible(emphasised(spec, looks), scale, smallestText * unit()))
    for (const layer of this.#stores.keys()) {
      if (!this.#handed.has(layer)) this.#push(layer)
    }
  }

  #push(layer: string): void {
    this.#changed.add(layer)
    this.#pacer.ask()
  }

  // Layers that no scene on stage shows are not drawn; they are handed over whole when one does.
  #handOver(): void {
    for (const layer of this.#changed) {
      const onStage = shows(this.#scene, layer) || shows(this.#next, layer)
      const entry = this.#entries.find(e => e.layer.id === layer)
      const store = this.#stores.get(layer)
      if (!entry || !store || !onStage) {
        this.#handed.delete(layer)
        continue
      }
      this.#idle = false
      this.#map.setFeatures(sourceOf(entry), store.values())
      this.#handed.add(layer)
    }
    this.#changed.clear()
  }

  #onIdle(): void {
    this.#idle = true
    this.#pacer.drawn()
  }

  #look(duration: number): void {
    const { bounds, center, zoom } = this.#scene?.camera ?? {}
    if (center) {
      // A scene's zoom is meant for 1080 rows.
      this.#map.flyTo({ center, zoom: (zoom ?? 7) + Math.log2(unit()) }, duration)
    } else {
      this.#map.fit(bounds ?? this.#options.region, { margin: 12 * unit(), duration })
    }
    const until = performance.now() + duration + 100
    const step = () => {
      this.#moved()
      if (performance.now() < until) requestAnimationFrame(step)
    }
    step()
  }

  #moved(): void {
    for (const listener of this.#moves) listener()
  }

  #onResize(): void {
    this.#map.resize()
    this.#map.setPadding(padding())
    this.#draw()
    this.#look(0)
  }
}

/** Pixels in 1/1080 of the wall's height. */
function unit(): number {
  return window.innerHeight / 1080
}

/** The places of the furniture, in 1/1080 of the wall's height. */
export const room = {
  left: 410,
  right: 490,
  margin: 40,
  gap: 16,
  top: 178,
  bottom: 152,
  get height() {
    return 1080 - this.top - this.bottom
  },
  /** Columns of charts: a second one where the wall is as wide as two screens. */
  columns: (aspect: number) => (aspect > 2.8 ? 2 : 1),
  /** What the charts cover on the right. */
  side(aspect: number) {
    return this.margin + this.columns(aspect) * (this.right + this.gap)
  },
}

/** What the furniture covers. */
function padding(): Padding {
  const u = unit()
  return {
    top: (room.top + 8) * u,
    right: room.side(window.innerWidth / window.innerHeight) * u,
    bottom: room.bottom * u,
    left: (room.margin + room.left + room.gap) * u,
  }
}

function shows(scene: Scene | null, layer: string): boolean {
  return scene?.layers.some(l => l.id === layer) ?? false
}
