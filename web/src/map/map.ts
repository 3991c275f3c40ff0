import type { Feature, Geometry } from 'geojson'
import {
  type GeoJSONSource,
  Map as GLMap,
  LngLat,
  type MapGeoJSONFeature,
  prewarm,
  type StyleSpecification,
  setWorkerUrl,
} from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url'
import type { BBox, LonLat } from '../api'
import { countKey, layerOfStyle, type MapSpec } from '../style'
import { selectionSource } from '../style/selection'
import { apply, type Target } from './apply'
import { constrain, framing, type Viewport } from './constrain'
import { drawImage } from './images'
import { Motion } from './motion'
import { Refresher } from './refresher'

/** Fonts by the name that styles use, see src/ui/fonts.ts. */
export type FontFaces = NonNullable<StyleSpecification['font-faces']>

export interface Camera {
  center: LonLat
  zoom: number
}

export interface Padding {
  top: number
  right: number
  bottom: number
  left: number
}

/** A feature under the pointer. */
export interface Hit {
  layer: string
  id: string
  properties: Record<string, unknown>
  /** Set if it stands for several features, which the tile does not tell apart: how many, and where. */
  merged?: { count: number; at: LonLat }
}

/** What is at a point of the window. */
export interface Hits {
  /** Features, topmost first, each once. */
  features: Hit[]
  /** The division, as finely as the zoom tells divisions apart. */
  area: Hit | null
}

export interface MapEvents {
  /** The camera came to rest; byUser says whether somebody's hand moved it. */
  onCamera?(camera: Camera, byUser: boolean): void
  onHover?(hits: Hits, at: { x: number; y: number } | null): void
  onClick?(hits: Hits, at: LonLat): void
  /** Everything that is to be seen is drawn. Called again after every change. */
  onIdle?(): void
  /** The graphics card took the drawing context away (true) or gave it back (false). */
  onLost?(lost: boolean): void
  onError?(error: Error): void
}

export interface MapOptions {
  container: HTMLElement
  camera: Camera
  bounds: BBox
  minZoom: number
  maxZoom: number
  fontFaces: FontFaces
  /** A wall takes no input. */
  interactive: boolean
  padding?: Padding
  /** Milliseconds in which a changed colour or opacity fades. */
  fade?: number
  /** Device pixels in a CSS pixel; the window's own if not given. */
  pixelRatio?: number
  events?: MapEvents
}

export type LiveGeometry = Feature<Geometry | null, Record<string, unknown>> & {
  id: string | number
  onemap?: { num: number }
}

const noPadding: Padding = { top: 0, right: 0, bottom: 0, left: 0 }

/** Pixels round the pointer that count as a hit. */
const reach = 4

/** Milliseconds after which a lost drawing context is not waited for any more. */
const contextPatience = 5000

setWorkerUrl(workerUrl)
prewarm() // the worker starts while the drawing context is being made

/** This browser can't draw a map: WebGL 2 is missing or switched off. */
export class NoWebGLError extends Error {}

/**
 * The one owner of the GL map. Pages tell it what to show as data (a MapSpec from src/style, features, a camera) and hear
 * of events; nothing else ever touches MapLibre. It keeps all it was told, so that it can build the map anew when the
 * graphics card lost it for good.
 */
export class OneMap {
  readonly #options: MapOptions
  #map: GLMap
  #spec: MapSpec | null = null
  #wanted: MapSpec | null = null
  #features = new Map<string, Feature[]>()
  #selection: Feature[] = []
  #selected = ''
  #motion: Motion
  #padding: Padding
  #refresher: Refresher
  /** Where the camera is flying to, while it does. */
  #aim: (() => Partial<Camera>) | null = null
  #loaded = false
  #hovering = 0
  #patience: ReturnType<typeof setTimeout> | undefined
  #images = new Map<string, ReturnType<typeof drawImage>>()

  /** Throws a NoWebGLError where no map can be drawn. */
  constructor(options: MapOptions) {
    this.#options = options
    this.#padding = options.padding ?? noPadding
    this.#map = this.#create(options.camera)
    this.#motion = new Motion({
      draw: (source, features) => {
        this.#setData(source, features)
        if (source === this.#selected && this.#selection.length > 0) this.#mark()
      },
      distance: (a, b) => {
        const from = this.#map.project(a)
        const to = this.#map.project(b)
        return Math.hypot(from.x - to.x, from.y - to.y)
      },
      reach: () => Math.hypot(options.container.clientWidth, options.container.clientHeight) / 2,
      still: () => !this.#loaded || calm() || document.hidden,
    })
    this.#refresher = new Refresher(source => {
      if (this.#loaded && this.#map.getSource(source)) this.#map.refreshTiles(source)
    })
  }

  /** Shows a spec; what did not change since the last one stays untouched. onIdle follows in any case. */
  show(spec: MapSpec): void {
    this.#wanted = spec
    if (!this.#loaded) return
    this.#map.triggerRepaint()
    const added = apply(this.#map as unknown as Target, this.#spec, spec)
    this.#spec = spec
    for (const source of added) {
      if (source === selectionSource) this.#mark()
      else if (this.#features.has(source)) this.#setData(source, this.#features.get(source) ?? [])
    }
  }

  /** Replaces the features of a GeoJSON source that the spec names, e.g. "live:patrol-vehicles". */
  setFeatures(source: string, features: Iterable<LiveGeometry>): void {
    const list: Feature[] = []
    for (const f of features) {
      if (!f.geometry) continue
      // Tiles carry the string id as "_id" and the number as the feature's id; so do these.
      list.push({
        type: 'Feature',
        id: f.onemap?.num,
        geometry: f.geometry,
        properties: { ...f.properties, _id: String(f.id) },
      })
    }
    this.#features.set(source, list)
    this.#motion.set(source, list)
  }

  /** Forgets the features of a source. */
  dropFeatures(source: string): void {
    this.#features.delete(source)
    this.#motion.drop(source)
  }

  /** Marks what is selected; source is the one that the features are in, because what glides is marked where it is drawn. */
  select(features: readonly Feature[], source = ''): void {
    this.#selection = [...features]
    this.#selected = source
    this.#mark()
  }

  /** Tiles of a source changed: fetch those in view again, at most so often that the map keeps up. */
  refreshTiles(source: string): void {
    this.#refresher.refresh(source)
  }

  get camera(): Camera {
    const { lng, lat } = this.#map.getCenter()
    return { center: [lng, lat], zoom: this.#map.getZoom() }
  }

  /** Moves the camera in a moment, or at once for readers who want no motion. */
  flyTo(camera: Partial<Camera>, duration = 900): void {
    this.#aimAt(() => camera, duration)
  }

  jumpTo(camera: Camera): void {
    this.#map.jumpTo(camera)
  }

  /** Moves the camera so that the bounds fill the uncovered part of the window. */
  fit(bounds: BBox, { margin = 40, maxZoom = 13, duration = 900 } = {}): void {
    this.#aimAt(() => {
      const { center, zoom } = framing(bounds, this.#viewport(), margin)
      return { center, zoom: Math.min(zoom, maxZoom) }
    }, duration)
  }

  zoomBy(levels: number): void {
    this.#map.easeTo({ zoom: this.#map.getZoom() + levels, duration: calm() ? 0 : 250 })
  }

  /** The window's part that panels cover. A flight goes on, to where its aim now lies. */
  setPadding(padding: Padding, duration = 0): void {
    this.#padding = padding
    if (this.#aim) this.#aimAt(this.#aim, duration)
    else this.#map.easeTo({ padding, duration: calm() ? 0 : duration, essential: true })
  }

  /** Whether a feature is to be seen in the window now. */
  draws(layer: string, id: string): boolean {
    return this.#rendered(layer, id) !== undefined
  }

  /** Where a point is drawn now; null if it is not to be seen. */
  drawnAt(layer: string, id: string): LonLat | null {
    const geometry = this.#rendered(layer, id)?.geometry
    return geometry?.type === 'Point' ? (geometry.coordinates as LonLat) : null
  }

  /** Where a place is in the window, in CSS pixels. */
  project(at: LonLat): { x: number; y: number } {
    const { x, y } = this.#map.project(at)
    return { x, y }
  }

  resize(): void {
    this.#map.resize()
  }

  focus(): void {
    this.#map.getCanvas().focus()
  }

  /** Names the map for readers who do not see it. */
  describe(label: string): void {
    this.#map.getCanvas().setAttribute('aria-label', label)
  }

  destroy(): void {
    clearTimeout(this.#patience)
    this.#refresher.stop()
    this.#motion.stop()
    this.#map.remove()
  }

  #aimAt(aim: () => Partial<Camera>, duration: number): void {
    this.#aim = null
    this.#map.easeTo({ ...aim(), padding: this.#padding, duration: calm() ? 0 : duration, essential: true })
    if (this.#map.isMoving()) this.#aim = aim
  }

  #viewport(): Viewport {
    const { clientWidth: width, clientHeight: height } = this.#options.container
    return { width, height, padding: this.#padding }
  }

  #create(camera: Camera): GLMap {
    const { container, bounds, minZoom, maxZoom, fontFaces, interactive, fade = 300, pixelRatio } = this.#options
    const style: StyleSpecification = {
      version: 8,
      sources: {},
      layers: [],
      transition: { duration: fade, delay: 0 },
      'font-faces': fontFaces,
    }
    const map = newMap({
      container,
      style,
      center: camera.center,
      zoom: camera.zoom,
      minZoom,
      maxZoom,
      interactive,
      pixelRatio,
      attributionControl: false,
      maxCanvasSize: [16384, 16384], // a wall is wider than the default of 4096
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      renderWorldCopies: false,
      // Names that fade in would blink with every update of a live layer, and keep a PC without a graphics card drawing.
      fadeDuration: 0,
      transformConstrain: (center, zoom) => {
        const next = constrain(
          [center.lng, center.lat],
          Math.min(Math.max(zoom, minZoom), maxZoom),
          bounds,
          this.#viewport(),
        )
        return { center: new LngLat(...next.center), zoom: next.zoom }
      },
    })
    map.touchZoomRotate.disableRotation()
    map.keyboard.disableRotation()
    map.jumpTo({ padding: this.#padding, center: camera.center, zoom: camera.zoom })
    this.#listen(map)
    return map
  }

  #listen(map: GLMap): void {
    const events = this.#options.events ?? {}
    // Again after a lost context: the style comes back as it was, and what was asked for meanwhile is made up for.
    map.on('style.load', () => {
      this.#loaded = true
      const restored = this.#spec !== null
      if (this.#wanted) this.show(this.#wanted)
      if (!restored) return
      this.#motion.stop()
      for (const [source, features] of this.#features) this.#setData(source, features)
      this.#mark()
    })
    map.setMissingStyleImageResolver(name => this.#provide(map, name))
    map.on('movestart', event => {
      if ('originalEvent' in event && event.originalEvent) this.#aim = null // a hand took over
    })
    map.on('moveend', event => {
      if (!map.isMoving()) this.#aim = null
      events.onCamera?.(this.camera, 'originalEvent' in event && !!event.originalEvent)
    })
    map.on('idle', () => {
      this.#motion.drawn()
      events.onIdle?.()
    })
    map.on('error', event => events.onError?.(new Error(event.error.message)))
    map.on('webglcontextlost', () => {
      this.#loaded = false
      map.getCanvas().style.visibility = 'hidden' // it would be white
      events.onLost?.(true)
      clearTimeout(this.#patience)
      this.#patience = setTimeout(() => this.#rebuild(), contextPatience)
    })
    map.on('webglcontextrestored', () => {
      clearTimeout(this.#patience)
      map.getCanvas().style.visibility = ''
      if (this.#spec) events.onLost?.(false)
      else setTimeout(() => this.#rebuild()) // lost before there was a style to bring back
    })
    if (!this.#options.interactive) return
    map.on('mousemove', event => {
      cancelAnimationFrame(this.#hovering)
      this.#hovering = requestAnimationFrame(() => {
        const hits = this.#hits(event.point)
        map.getCanvas().style.cursor = hits.features.length > 0 ? 'pointer' : ''
        events.onHover?.(hits, { x: event.point.x, y: event.point.y })
      })
    })
    const leave = () => {
      cancelAnimationFrame(this.#hovering)
      events.onHover?.({ features: [], area: null }, null)
    }
    map.on('mouseout', leave)
    map.on('movestart', leave)
    map.on('click', event => events.onClick?.(this.#hits(event.point), [event.lngLat.lng, event.lngLat.lat]))
  }

  #hits(point: { x: number; y: number }): Hits {
    const box: [[number, number], [number, number]] = [
      [point.x - reach, point.y - reach],
      [point.x + reach, point.y + reach],
    ]
    const features = new Map<string, Hit>()
    for (const hit of this.#query(box, this.#spec?.pickable)) {
      const key = `${hit.layer}/${hit.id}`
      if (!features.has(key)) features.set(key, hit)
    }
    const [area] = this.#query([point.x, point.y], this.#spec?.areas)
    return { features: [...features.values()], area: area ?? null }
  }

  #rendered(layer: string, id: string): MapGeoJSONFeature | undefined {
    if (!this.#loaded) return undefined
    const layers = (this.#spec?.pickable ?? []).filter(l => layerOfStyle(l) === layer && this.#map.getLayer(l))
    if (layers.length === 0) return undefined
    return this.#map.queryRenderedFeatures({ layers, filter: ['==', ['get', '_id'], id] })[0]
  }

  #query(at: [number, number] | [[number, number], [number, number]], ids: readonly string[] = []): Hit[] {
    if (!this.#loaded) return []
    const layers = ids.filter(id => this.#map.getLayer(id))
    if (layers.length === 0) return []
    return (this.#map.queryRenderedFeatures(at, { layers }) as MapGeoJSONFeature[]).map(feature => {
      const { properties, geometry } = feature
      const layer = layerOfStyle(feature.layer.id)
      const id = String(properties._id ?? feature.id)
      const at = properties._id === undefined ? middle(feature) : null
      if (!at) return { layer, id, properties }
      const count = Number(properties[countKey] ?? 1)
      const merged = count > 1 || geometry.type === 'Polygon' // a cell stands for what is in it, also for one
      return { layer, id: at.join(), properties, ...(merged ? { merged: { count, at } } : {}) }
    })
  }

  #mark(): void {
    const drawn = this.#selection.map((f): Feature => {
      const place = f.geometry?.type === 'Point' ? this.#motion.where(this.#selected, String(f.id)) : null
      return place ? { ...f, geometry: { type: 'Point', coordinates: place } } : f
    })
    this.#setData(selectionSource, drawn)
  }

  #setData(source: string, features: Feature[]): void {
    if (!this.#loaded) return
    const target = this.#map.getSource(source) as GeoJSONSource | undefined
    target?.setData({ type: 'FeatureCollection', features })
  }

  async #provide(map: GLMap, name: string): Promise<void> {
    let drawing = this.#images.get(name)
    if (!drawing) {
      drawing = drawImage(name)
      this.#images.set(name, drawing)
    }
    const drawn = await drawing
    if (!drawn || map !== this.#map || !this.#loaded || map.hasImage(name)) return
    map.addImage(name, drawn.image, { sdf: drawn.sdf })
  }

  #rebuild(): void {
    const camera = this.camera
    this.#loaded = false
    this.#spec = null
    this.#map.remove()
    this.#map = this.#create(camera)
    this.#map.once('idle', () => this.#options.events?.onLost?.(false))
  }
}

function newMap(options: ConstructorParameters<typeof GLMap>[0]): GLMap {
  try {
    return new GLMap(options)
  } catch (error) {
    throw new NoWebGLError('WebGL 2 is missing', { cause: error })
  }
}

/** Where something is that stands for several features: a cluster, or a grid's cell. */
function middle({ geometry, properties }: MapGeoJSONFeature): LonLat | null {
  if (geometry.type === 'Point') return geometry.coordinates as LonLat
  if (geometry.type !== 'Polygon' || properties[countKey] === undefined) return null
  const [a, , c] = geometry.coordinates[0] ?? []
  return a && c ? [((a[0] ?? 0) + (c[0] ?? 0)) / 2, ((a[1] ?? 0) + (c[1] ?? 0)) / 2] : null
}

function calm(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches
}
