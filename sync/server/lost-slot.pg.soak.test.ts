import path from 'node:path'
import { Shape } from 'electric-sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../../server/kernel/migrate.ts'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../server/kernel/postgres/embedded.ts'
import { makeDataDir } from '../../server/kernel/testing/data-dir.ts'
import { startShapeHarness, textRows, untilEqual, type ShapeHarness } from './testing.ts'
import { StrictReplica } from './testing-replica.ts'

const migrations = path.resolve(import.meta.dirname, '../../migrations')

describe('a slot whose log the database has thrown away', () => {
  const dataDir = makeDataDir()
  let postgres: EmbeddedPostgres
  let harness: ShapeHarness

  beforeAll(async () => {
    const settings = { max_slot_wal_keep_size: '16MB', min_wal_size: '32MB', max_wal_size: '32MB' }
    postgres = await startEmbeddedPostgres({ dataDir: dataDir.path, log: () => undefined, settings })
    await migrate(postgres.url, migrations)
    const openDatabase = () => Promise.resolve({ url: postgres.url, drop: () => Promise.resolve() })
    harness = await startShapeHarness({}, undefined, { openDatabase })
    await harness.db.query(
      `create table notes (id int primary key, body text); create table other (id serial, body text);
       insert into notes select n, 'note' from generate_series(1, 5) n`,
    )
  })
  afterAll(async () => {
    await harness.close()
    await postgres.stop()
    dataDir.remove()
  })

  const status = async (): Promise<unknown> =>
    (await harness.db.query('select wal_status from pg_replication_slots')).rows[0]?.wal_status

  it('sends readers to fetch anew, and costs the database no more than it may', { timeout: 120_000 }, async () => {
    const stream = harness.stream({ table: 'notes' })
    const replica = new StrictReplica(stream)
    const shape = new Shape(stream)
    const same = (): Promise<void> =>
      untilEqual(shape, 'notes', () => textRows(harness.db, 'select * from notes'), 30_000)
    await same()
    await harness.restart(async () => {
      await harness.db.query(`update notes set body = 'what the log will not tell' where id = 1`)
      for (let round = 0; round < 40 && (await status()) !== 'lost'; round += 1) {
        await harness.db.query(
          `insert into other (body) select repeat(md5(n::text), 100) from generate_series(1, 5000) n`,
        )
        await harness.db.query('checkpoint')
      }
      expect(await status()).toBe('lost')
    })
    await same()
    await harness.db.query(`update notes set body = 'and goes on' where id = 2`)
    await same()
    expect([replica.refetches, replica.faults]).toEqual([1, []])
    expect(await status()).toBe('reserved')
  })
})
