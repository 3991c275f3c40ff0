// What the server's HTTP API answers, as far as the pages use it. The words are
// those of the Go package layers; `npm run check` keeps the pages honest about nulls.

import type { Feature, Geometry } from 'geojson'

/** [west, south, east, north] in degrees, CRS84. */
export type BBox = [number, number, number, number]
/** [longitude, latitude] in degrees, CRS84. */
export type LonLat = [number, number]

/** A bilingual text, Chinese first. */
export interface Text {
  zh: string
  en?: string
}

export type GovernmentLevel = 'region' | 'city' | 'county' | 'township'
export type Sharing = 'unconditional' | 'conditional' | 'none'
export type UpdateCycle = 'realtime' | 'daily' | 'weekly' | 'monthly' | 'quarterly' | 'yearly' | 'irregular'
export type Freshness = 'fresh' | 'late' | 'lost' | 'zombie'
export type GeometryType =
  | 'Point'
  | 'LineString'
  | 'Polygon'
  | 'MultiPoint'
  | 'MultiLineString'
  | 'MultiPolygon'
  | 'Geometry'
export type DataType = 'string' | 'integer' | 'number' | 'boolean' | 'date' | 'datetime' | 'json'
export type Role = 'name' | 'name_en' | 'division' | 'credit_code' | 'address' | 'time' | 'status'
export type BasePart = 'outline' | 'division' | 'township' | 'river' | 'coast' | 'label'

export interface Department {
  id: string
  name: Text
  level: GovernmentLevel
  division: string
  kind: 'government' | 'enterprise' | 'social'
}

export interface Person {
  name: Text
  phone?: string
}

export interface Term {
  value: string
  title: Text
}

export interface Attribute {
  name: string
  title?: Text
  type: DataType
  unit?: string
  role?: Role
  required?: boolean
  min?: number
  max?: number
  enum?: Term[]
  /** What the number means: definition, period. */
  note?: Text
}

/** One class of a legend: equal to value, or at least min. */
export interface DisplayClass {
  value?: string | number | boolean
  min?: number
  color: string
  /** Missing where the attribute's enum already names the value. */
  label?: Text
}

export interface Display {
  symbol?: string
  color?: string
  colorBy?: string
  classes?: DisplayClass[]
  sizeBy?: string
  heading?: string
  live?: boolean
  base?: BasePart
  on?: boolean
  minZoom?: number
  order?: number
}

export interface Layer {
  id: string
  title: Text
  abstract?: Text
  code?: string
  department: Department
  chief?: Person
  steward?: Person
  themes: string[]
  sharing: Sharing
  sharingNote?: Text
  open: boolean
  updateCycle: UpdateCycle
  published?: string
  source?: Text
  synthetic?: boolean
  schematic?: boolean
  geometry: GeometryType
  schema: Attribute[]
  display?: Display
}

export interface Status {
  count: number
  updated: string | null
  freshness: Freshness
  ageSeconds: number
}

export interface Collection {
  id: string
  title: string
  description?: string
  extent?: { spatial?: { bbox: BBox[] } }
  layer: Layer
  status: Status
  tilesMaxZoom: number
}

/** A layer with its state: one row of the catalogue. */
export interface Entry {
  layer: Layer
  status: Status
  /** Deepest zoom of its tiles: the first at which none of its features are merged. */
  tilesMaxZoom: number
}

export type Properties = Record<string, unknown>

export type OnemapFeature = Feature<Geometry | null, Properties> & {
  id: string
  onemap: { num: number; version: number; updated: string }
}

export interface FeaturePage {
  type: 'FeatureCollection'
  features: OnemapFeature[]
  numberMatched: number
  numberReturned: number
  links: { rel: string; href: string }[]
}

export interface ThemeNode {
  id: string
  title: Text
  kind?: 'base' | 'thematic' | 'open'
  children?: ThemeNode[]
}

export interface Session {
  view: string
  canWrite: boolean
  wall: boolean
}

export interface Settings {
  title: Text | string
  reviewNumber: string
  bounds: BBox
  minZoom: number
  maxZoom: number
  center: LonLat
  zoom: number
  schematicCaption: Text | string
  reviewCaption: Text | string
  syntheticCaption: Text | string
  build: string
}

export interface LayerStat extends Status {
  id: string
  tilesMaxZoom: number
}

export interface Stats {
  time: string
  position: string
  layers: LayerStat[]
}

export interface SearchResult {
  layer: string
  layerTitle: Text | string
  id: string
  title: string
  titleEn?: string
  division?: string
  center: LonLat
  bbox?: BBox
}

export interface DivisionRef {
  code: string
  name: string
  nameEn?: string
  level: number
}

/** 区域画像: what every department has inside one division. */
export interface DivisionProfile {
  division: DivisionRef & { parent?: string; population2020?: number | null; bbox?: BBox; center?: LonLat }
  children: DivisionRef[]
  departments: {
    department: Department
    layers: { id: string; title: Text | string; count: number; freshness: Freshness; updated: string | null }[]
  }[]
}

/** 一企一图: what every department knows of one enterprise. */
export interface Join {
  role: string
  value: string
  layers: { layer: Layer; features: OnemapFeature[] }[]
}

export interface Aggregate {
  groups: { key: string | number | boolean | null; count: number }[]
}
