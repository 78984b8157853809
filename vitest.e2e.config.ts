import { defineConfig } from 'vitest/config'

/** Journeys in a real browser against a real server and the built client. Two at a time: each starts a whole product, and waits more than it works. */
export default defineConfig({
  test: {
    name: 'e2e',
    environment: 'node',
    include: ['client/e2e/**/*.e2e.ts', 'server/**/*.e2e.ts', 'sync/**/*.e2e.ts'],
    maxWorkers: 2,
    // A busy machine takes its time; the default is a second.
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    passWithNoTests: true,
  },
})
