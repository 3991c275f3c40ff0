import { expect, test } from 'vitest'
import { withoutPresets } from './presets'

test('only what must be sent is filled in', () => {
  const d = withoutPresets({
    info: { title: 't' },
    paths: {
      '/collections/{collectionId}/items': { servers: [], get: {} },
      '/a': {
        parameters: [{ name: 'id', required: true, example: 'a' }],
        get: { parameters: [{ name: 'x', example: 1 }] },
      },
    },
    components: {
      parameters: {
        bbox: { name: 'bbox', description: 'A box.', example: [1, 2] },
        attributes: { name: 'attributes', schema: { type: 'object' } },
      },
    },
  })
  expect(Object.keys(d.paths)).toEqual(['/a'])
  expect(d.paths['/a']).toEqual({
    parameters: [{ name: 'id', required: true, example: 'a' }],
    get: { parameters: [{ name: 'x', description: '例如 1' }] },
  })
  expect(d.components.parameters).toEqual({
    bbox: { name: 'bbox', description: 'A box. 例如 1,2' },
    attributes: { name: 'attributes', schema: { type: 'object' }, example: {} },
  })
})
