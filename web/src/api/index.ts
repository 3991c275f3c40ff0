// The server's HTTP API: its answers as types, and a client. Everything under
// web/src may import it; it imports nothing of the project and knows no DOM.

export type { ItemsQuery, Problem } from './client'
export { ApiClient, ApiError, OfflineError } from './client'
export type * from './types'
