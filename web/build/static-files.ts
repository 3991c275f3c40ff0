import { createReadStream, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import type { Plugin } from 'vite'

const require = createRequire(import.meta.url)

/** The two weights that pages and map labels are set in. */
const weights = [400, 600]

/**
 * Fonts and icons that a page fetches when it needs them: the 101 subsets of Noto Sans SC and the icons of Maki and
 * Temaki. They lie under a path with the package's version, so that they may be cached for good.
 */
export function staticFiles(): Plugin {
  const fonts = packageDir('@fontsource/noto-sans-sc')
  const fontBase = `assets/noto-sans-sc-${fonts.version}`
  const iconBase = `assets/icons-${packageDir('@mapbox/maki').version}-${packageDir('@rapideditor/temaki').version}`

  const files = new Map<string, string>() // address → file
  const ranges = JSON.parse(readFileSync(join(fonts.dir, 'unicode.json'), 'utf8')) as Record<string, string>
  const subsets = Object.entries(ranges).map(([key, range]) => ({ name: key.replace(/[[\]]/g, ''), range }))
  for (const { name } of subsets) {
    for (const weight of weights) {
      files.set(
        `${fontBase}/${name}-${weight}.woff2`,
        join(fonts.dir, 'files', `noto-sans-sc-${name}-${weight}-normal.woff2`),
      )
    }
  }
  // Maki wins where both have an icon of a name: its set is drawn for maps.
  for (const name of ['@rapideditor/temaki', '@mapbox/maki']) {
    const dir = join(packageDir(name).dir, 'icons')
    for (const icon of readdirSync(dir).filter(file => file.endsWith('.svg'))) {
      files.set(`${iconBase}/${icon}`, join(dir, icon))
    }
  }
  const index = JSON.stringify(subsets)

  return {
    name: 'onemap-static-files',
    config: () => ({
      define: {
        __FONTS__: JSON.stringify(`/${fontBase}`),
        __ICONS__: JSON.stringify(`/${iconBase}`),
      },
    }),
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '').slice(1)
        if (path === `${fontBase}/subsets.json`) {
          response.setHeader('Content-Type', 'application/json')
          response.end(index)
          return
        }
        const file = files.get(path)
        if (!file) return next()
        response.setHeader('Content-Type', path.endsWith('.svg') ? 'image/svg+xml' : 'font/woff2')
        createReadStream(file).pipe(response)
      })
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: `${fontBase}/subsets.json`, source: index })
      for (const [fileName, file] of files) this.emitFile({ type: 'asset', fileName, source: readFileSync(file) })
    },
  }
}

function packageDir(name: string): { dir: string; version: string } {
  for (const base of require.resolve.paths(name) ?? []) {
    try {
      const { version } = JSON.parse(readFileSync(join(base, name, 'package.json'), 'utf8')) as { version: string }
      return { dir: resolve(dirname(join(base, name, 'package.json'))), version }
    } catch {
      // not below this node_modules
    }
  }
  throw new Error(`${name} is not installed: run npm ci`)
}
