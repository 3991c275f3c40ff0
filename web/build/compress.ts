import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

/**
 * Leaves of every text file only its .gz: the server embeds the files once and sends them as they are. Fonts and images
 * are compressed already.
 */
export function compress(): Plugin {
  let outDir = ''
  return {
    name: 'onemap-compress',
    apply: 'build',
    enforce: 'post',
    configResolved(config) {
      outDir = join(config.root, config.build.outDir)
    },
    closeBundle() {
      for (const entry of readdirSync(outDir, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(html|js|mjs|css|svg|json|map|txt|webmanifest)$/.test(entry.name)) continue
        const file = join(entry.parentPath, entry.name)
        writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }))
        unlinkSync(file)
      }
      writeFileSync(join(outDir, '.gitkeep'), '') // keeps the Go embed pattern valid in a fresh clone
    },
  }
}
