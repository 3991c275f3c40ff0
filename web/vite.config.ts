import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'
import { compress } from './build/compress.ts'
import { staticFiles } from './build/static-files.ts'

// Where the server of `npm run dev` finds the API: ONEMAP_DEV_SERVER, or the default address.
const server = process.env.ONEMAP_DEV_SERVER ?? 'http://127.0.0.1:8080'
const proxied = ['/api', '/tiles', '/signin', '/signout', '/healthz', '/readyz', '/metrics']

const pages = ['index.html', 'wall.html', 'reference.html'].filter(page =>
  existsSync(resolve(import.meta.dirname, page)),
)

export default defineConfig({
  plugins: [svelte(), staticFiles(), compress()],
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // a data: URL would need a wider content security policy
    chunkSizeWarningLimit: 1600, // MapLibre, Swagger UI
    rolldownOptions: { input: pages.map(page => resolve(import.meta.dirname, page)) },
  },
  server: {
    proxy: {
      ...Object.fromEntries(proxied.map(path => [path, { target: server, changeOrigin: true }])),
      '/live': { target: server, ws: true, changeOrigin: true },
    },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
})
