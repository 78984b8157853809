import { defineConfig } from 'vitest/config'

const soak = process.env['BANYAN_SOAK'] === '1'
const folders = '{server,sync,shared,client}'
const withPostgres = `${folders}/**/*.pg.test.ts`
const soakTests = `${folders}/**/*.soak.test.ts`
const never = ['**/node_modules/**', 'dist/**', ...(soak ? [] : [soakTests])]

export default defineConfig({
  test: {
    environment: 'node',
    // Two cores are the machine that we promise to work on.
    maxWorkers: 2,
    testTimeout: 15_000,
    hookTimeout: 60_000,
    passWithNoTests: true,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [`${folders}/**/*.test.ts`],
          exclude: [...never, withPostgres, `${folders}/**/*.pg.soak.test.ts`],
        },
      },
      {
        extends: true,
        test: {
          name: 'pg',
          include: [withPostgres, `${folders}/**/*.pg.soak.test.ts`],
          exclude: never,
          globalSetup: ['server/kernel/testing/global-setup.ts'],
        },
      },
    ],
  },
})
