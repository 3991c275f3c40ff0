import type {
  Aggregate,
  BBox,
  Collection,
  DivisionProfile,
  FeaturePage,
  Join,
  OnemapFeature,
  SearchResult,
  Session,
  Settings,
  Stats,
  ThemeNode,
} from './types'

/** RFC 9457, as the server writes it. */
export interface Problem {
  title: string
  status: number
  detail?: string
  violations?: { field: string; value?: string; reason: string; remedy?: string }[]
}

/** The server answered, but not with what was asked for. */
export class ApiError extends Error {
  readonly status: number
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail || problem.title)
    this.status = problem.status
    this.problem = problem
  }
}

/** Nobody answered. */
export class OfflineError extends Error {}

export interface ItemsQuery {
  bbox?: BBox
  limit?: number
  division?: string
  q?: string
  sortby?: string
  /** Attribute filters: equal. */
  where?: Record<string, string>
}

type Fetch = (input: string, init?: RequestInit) => Promise<Response>

/** The server's API, one method a question. Addresses are relative to base. */
export class ApiClient {
  readonly #base: string
  readonly #fetch: Fetch

  constructor(base = '', fetcher: Fetch = (input, init) => fetch(input, init)) {
    this.#base = base
    this.#fetch = fetcher
  }

  settings(signal?: AbortSignal): Promise<Settings> {
    return this.#get('/api/settings', signal)
  }

  session(signal?: AbortSignal): Promise<Session> {
    return this.#get('/api/session', signal)
  }

  themes(signal?: AbortSignal): Promise<ThemeNode[]> {
    return this.#get('/api/themes', signal)
  }

  /** The catalogue as this reader may see it. */
  async collections(signal?: AbortSignal): Promise<Collection[]> {
    return (await this.#get<{ collections: Collection[] }>('/api/collections', signal)).collections
  }

  stats(signal?: AbortSignal): Promise<Stats> {
    return this.#get('/api/stats', signal)
  }

  items(layer: string, query: ItemsQuery = {}, signal?: AbortSignal): Promise<FeaturePage> {
    return this.#get(`/api/collections/${encodeURIComponent(layer)}/items${itemsQuery(query)}`, signal)
  }

  feature(layer: string, id: string, signal?: AbortSignal): Promise<OnemapFeature> {
    return this.#get(`/api/collections/${encodeURIComponent(layer)}/items/${encodeURIComponent(id)}`, signal)
  }

  async search(q: string, limit = 10, signal?: AbortSignal): Promise<SearchResult[]> {
    const query = new URLSearchParams({ q, limit: String(limit) })
    return (await this.#get<{ results: SearchResult[] }>(`/api/search?${query}`, signal)).results
  }

  division(code: string, signal?: AbortSignal): Promise<DivisionProfile> {
    return this.#get(`/api/divisions/${encodeURIComponent(code)}`, signal)
  }

  join(role: 'credit_code' | 'division' | 'address', value: string, signal?: AbortSignal): Promise<Join> {
    return this.#get(`/api/join/${role}/${encodeURIComponent(value)}`, signal)
  }

  aggregate(layer: string, groupby: string, query: ItemsQuery = {}, signal?: AbortSignal): Promise<Aggregate> {
    const rest = itemsQuery(query).replace('?', '&')
    return this.#get(
      `/api/collections/${encodeURIComponent(layer)}/aggregate?groupby=${encodeURIComponent(groupby)}${rest}`,
      signal,
    )
  }

  /** The wall's scenes; their form belongs to the wall. */
  scenes<T>(signal?: AbortSignal): Promise<T> {
    return this.#get('/api/scenes', signal)
  }

  async signOut(): Promise<void> {
    await this.#fetch(`${this.#base}/signout`, { method: 'POST', credentials: 'same-origin', redirect: 'manual' })
  }

  async #get<T>(path: string, signal?: AbortSignal): Promise<T> {
    let response: Response
    try {
      response = await this.#fetch(this.#base + path, {
        signal,
        credentials: 'same-origin',
        headers: { Accept: 'application/geo+json, application/json' },
      })
    } catch (error) {
      if (signal?.aborted) throw error
      throw new OfflineError(path, { cause: error })
    }
    if (!response.ok) throw new ApiError(await problemOf(response))
    return (await response.json()) as T
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback: Problem = { title: response.statusText || String(response.status), status: response.status }
  try {
    return { ...fallback, ...((await response.json()) as Partial<Problem>), status: response.status }
  } catch {
    return fallback // a proxy answered, not the server
  }
}

function itemsQuery({ bbox, limit, division, q, sortby, where }: ItemsQuery): string {
  const query = new URLSearchParams(where)
  if (bbox) query.set('bbox', bbox.join(','))
  if (limit) query.set('limit', String(limit))
  if (division) query.set('division', division)
  if (q) query.set('q', q)
  if (sortby) query.set('sortby', sortby)
  return query.size > 0 ? `?${query}` : ''
}
