import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generator } from './testing-random.ts'
import { SECRET, startShapeHarness, textRows, type ShapeHarness } from './testing.ts'
import { StrictReplica } from './testing-replica.ts'
import { SEED } from '../testing/seed.ts'

// Where Electric 1.7.12 was seen to be wrong; what else it was is held by `recovery`, `durability`, `shape-server` and
// `process-end`.
describe('where the original is wrong, ours', () => {
  let harness: ShapeHarness

  beforeAll(async () => {
    harness = await startShapeHarness({ anyTable: false }, async (db) => {
      await db.query(`
        create table kinds (id int primary key, f float8, n numeric, t text, d date, at timestamptz, big int8, i int);
        create table things (id int primary key, owner int, n int);
        insert into things select g, g % 4, 0 from generate_series(1, 100) g;
        alter table kinds replica identity full; alter table things replica identity full;
        alter publication banyan add table kinds, things`)
    })
  })
  afterAll(() => harness.close())

  const ids = (replica: StrictReplica): number[] =>
    [...replica.rows.values()].map((row) => Number(row['id'])).sort((a, b) => a - b)

  it('means by a filter what Postgres means, in the snapshot and in the log', async () => {
    const filters = [
      'f = 3',
      'n = 3',
      "t like 'a%z'",
      "t like 'a_z'",
      "t like '100\\%'",
      "d <> '2026-01-02'",
      "at <> '2026-01-02 03:04:05+00'",
      'big > 5000000000',
      'i < 3000000000',
    ]
    const rows = (from: number): string => `
      insert into kinds select ${from} + row_number() over (), * from (values
        (3::float8, 3.00::numeric, E'a\\nz', date '2026-01-02', timestamptz '2026-01-02 03:04:05+00', 5000000001::int8, 1),
        (3.5, 3.1, 'a-z', '2026-01-03', '2026-01-02 04:04:05+01', 5000000000, 2147483647),
        ('NaN', 'NaN', '100%', null, null, -1, null),
        (null, null, '100\\%', 'infinity', 'infinity', null, -5),
        ('-0', 0, null, '0001-01-01 BC', '2026-01-02 03:04:05.000001+00', 9223372036854775807, 0)) v`
    await harness.db.query(rows(0))
    const readers = filters.map((where) => ({
      where,
      replica: new StrictReplica(harness.stream({ table: 'kinds', where })),
    }))
    const same = async (): Promise<void> => {
      for (const { where, replica } of readers) {
        const expected = (await textRows(harness.db, `select id from kinds where ${where} order by id`)).map((row) =>
          Number(Object(row).id),
        )
        await expect.poll(() => ids(replica), { timeout: 8_000, message: where }).toEqual(expected)
        expect(expected.length).toBeGreaterThan(0)
        expect([where, replica.faults]).toEqual([where, []])
      }
    }
    await same()
    await harness.db.query(rows(100))
    await same()
    await harness.db.query(
      `update kinds set f = 3 - coalesce(nullif(f, 'NaN'), 0), n = 3 - coalesce(nullif(n, 'NaN'), 0), i = -coalesce(i, 7)`,
    )
    await same()
  })

  it('makes a new shape beside an open transaction that writes, and holds up neither it nor other readers', async () => {
    const writer = new pg.Client({ connectionString: harness.databaseUrl })
    await writer.connect()
    await writer.query('begin; update things set n = n + 1 where id = 1')
    const began = performance.now()
    const made = await fetch(`${harness.url}/v1/shape?secret=${SECRET}&table=things&where=owner%3D1&offset=-1`)
    const [rows] = await Promise.all([
      harness.db.query('select from things'),
      harness.db.query('update things set n = n + 1 where id = 2'),
    ])
    expect(performance.now() - began).toBeLessThan(2_000)
    expect([made.status, rows.rowCount]).toEqual([200, 100])
    const replica = new StrictReplica(harness.stream({ table: 'things', where: 'owner=1' }))
    await expect.poll(() => replica.upToDate).toBe(true)
    await writer.query('commit')
    await writer.end()
    await expect.poll(() => replica.rows.get('"public"."things"/"1"')).toMatchObject({ n: '1' })
    expect(replica.faults).toEqual([])
  })

  it(
    `misses nothing in shapes that are made while the replication connection is cut (seed ${SEED})`,
    { timeout: 60_000 },
    async () => {
      const random = generator(SEED)
      let writing = true
      const writers = [1, 2].map(async (writer) => {
        const own = generator(SEED + writer)
        while (writing) {
          const id = 1 + own(120)
          await harness.db.query(
            own(3) === 0
              ? `delete from things where id = ${id}`
              : `insert into things values (${id}, ${own(4)}, 0) on conflict (id) do update set n = things.n + 1, owner = excluded.owner`,
          )
          await new Promise((resolve) => setTimeout(resolve, own(4)))
        }
      })
      const readers: { where: string; replica: StrictReplica }[] = []
      for (let round = 0; round < 6; round += 1) {
        const cut = harness.db.query(
          `select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database() and active`,
        )
        for (const rows of [`owner = ${round % 4}`, 'n >= 0']) {
          const where = `${rows} and id <> -${round}`
          readers.push({ where, replica: new StrictReplica(harness.stream({ table: 'things', where })) })
        }
        await cut
        if (round === 3) await harness.db.query('truncate things')
        await new Promise((resolve) => setTimeout(resolve, random(400)))
      }
      writing = false
      await Promise.all(writers)
      for (const { where, replica } of readers) {
        const expected = (await textRows(harness.db, `select id from things where ${where} order by id`)).map((row) =>
          Number(Object(row).id),
        )
        await expect.poll(() => ids(replica), { timeout: 15_000, message: where }).toEqual(expected)
        expect([where, replica.faults]).toEqual([where, []])
      }
    },
  )
})
