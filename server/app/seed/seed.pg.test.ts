import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../kernel/db.ts'
import { openTestDatabase } from '../../kernel/testing/database-pool.ts'
import { seed } from './seed.ts'

let db: Database
let drop: () => Promise<void>
beforeAll(async () => {
  ;({ db, drop } = await openTestDatabase())
})
afterAll(() => drop())

/** Tables whose statistics have been taken. */
async function analysed(): Promise<string[]> {
  const rows = await db.query<{ name: string }>(
    `select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
      and reltuples >= 0 order by 1`,
  )
  return rows.map(({ name }) => name)
}

describe('seeding', () => {
  it('takes statistics of the catalogue alone: an empty table that is analysed counts as empty while it grows', async () => {
    const before = await analysed()
    await seed(db)
    const added = (await analysed()).filter((table) => !before.includes(table))
    expect(added).toEqual(['agent_categories', 'node_types'])
  })

  it('takes none when there was nothing to add', async () => {
    await db.query(
      "update pg_class set reltuples = -1 where oid in ('node_types'::regclass, 'agent_categories'::regclass)",
    )
    await seed(db)
    expect(await analysed()).not.toContain('node_types')
  })
})
