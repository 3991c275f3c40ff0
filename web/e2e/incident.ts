/** A live layer that both faces draw, and a place where nothing else is. */
export const incidents = 'hotline-incidents'
export const emptyPlace: [number, number] = [107.35, 23.58]

/** A feature of that layer, at that place. */
export function incident(id: string, title = id) {
  return {
    id,
    geometry: { type: 'Point', coordinates: emptyPlace },
    properties: { title, category: 'other', status: 'new', reported_at: new Date().toISOString(), division: '451000' },
  }
}
