export interface Parameter {
  name: string
  required?: boolean
  description?: string
  example?: unknown
  schema?: { type?: string }
}

export interface Definition {
  info: { title: string }
  paths: Record<string, Record<string, { parameters?: Parameter[] } | Parameter[]>>
  components: { parameters?: Record<string, Parameter> }
}

/**
 * Swagger UI fills every parameter in with its example, and one that is an object with invented members. A request would
 * begin with all filters at once. So the example of what may be left out is told in the description instead.
 */
export function withoutPresets(definition: Definition): Definition {
  for (const p of Object.values(definition.components.parameters ?? {})) relax(p)
  for (const [path, item] of Object.entries(definition.paths)) {
    if ('servers' in item) delete definition.paths[path] // another name of a resource, for programs
    for (const of of Object.values(item)) {
      for (const p of Array.isArray(of) ? of : (of.parameters ?? [])) relax(p)
    }
  }
  return definition
}

function relax(p: Parameter): void {
  if (p.required) return
  if (p.example !== undefined) {
    p.description = `${p.description ?? ''} 例如 ${[p.example].flat().join(',')}`.trim()
    delete p.example
  }
  if (p.schema?.type === 'object') p.example = {}
}
