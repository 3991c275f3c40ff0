// The interactive reference: Swagger UI on the server's own definition. It asks nobody else for anything.

import 'swagger-ui-dist/swagger-ui.css'
import './reference.css'
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js'
import { type Definition, withoutPresets } from './presets'

async function show(): Promise<void> {
  const answer = await fetch('/api/openapi.json')
  if (!answer.ok) throw new Error(`/api/openapi.json: ${answer.status}`)
  const spec = withoutPresets((await answer.json()) as Definition)
  document.title = `${spec.info.title} · 接口文档`
  SwaggerUI({
    dom_id: '#app',
    spec,
    deepLinking: true,
    docExpansion: 'list',
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    tryItOutEnabled: true,
    validatorUrl: null, // else it would ask swagger.io
  })
}

show().catch((e: unknown) => {
  const app = document.getElementById('app')
  if (app) app.textContent = `接口文档无法加载，请刷新重试。The reference can't be loaded. ${e}`
})
