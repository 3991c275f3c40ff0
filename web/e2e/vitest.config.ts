// The browser tests: they build and boot the real server and look at it with a
// real browser. Run by `vitest run --config e2e/vitest.config.ts`.

import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: import.meta.dirname,
  test: {
    include: ['*.e2e.ts'],
    globalSetup: './setup.ts',
    environment: 'node',
    // One browser and one server at a time: on two slow cores they would only disturb each other's figures.
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 90_000,
    reporters: ['verbose'],
  },
})
