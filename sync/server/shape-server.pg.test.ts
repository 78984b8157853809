import { Shape } from 'electric-sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { StrictReplica } from './testing-replica.ts'
import { startShapeHarness, textRows, untilEqual, type ShapeHarness } from './testing.ts'

describe('the shape server, read by the unmodified client', () => {
  let harness: ShapeHarness

  beforeAll(async () => {
    harness = await startShapeHarness({ reconcileMs: 300 })
    await harness.db.query(`
      create table items (id int primary key, owner text not null, title text, big text);
      insert into items select n, case when n % 2 = 0 then 'ann' else 'bob' end, 'item ' || n from generate_series(1, 20) n`)
  })
  afterAll(() => harness.close())

  const same = (shape: Shape, where = 'true', columns = '*'): Promise<void> =>
    untilEqual(shape, where, () => textRows(harness.db, `select ${columns} from items where ${where}`))

  it('gives the rows that were there, then inserts, updates and deletes', async () => {
    const shape = new Shape(harness.stream({ table: 'items' }))
    await same(shape)
    await harness.db.query(`insert into items values (100, 'ann', 'new', null)`)
    await same(shape)
    await harness.db.query(`update items set title = 'changed', owner = 'bob' where id < 5`)
    await same(shape)
    await harness.db.query('delete from items where id in (1, 100)')
    await same(shape)
  })

  it.each([["owner = 'ann'"], ["owner = 'ann' and id > 5"], ["not (owner in ('ann', 'cat') or title like 'item 1%')"]])(
    'lets rows enter and leave the filter %s',
    async (where) => {
      const shape = new Shape(harness.stream({ table: 'items', where }))
      await same(shape, where)
      await harness.db.query(
        `update items set owner = case when owner = 'ann' then 'bob' else 'ann' end where id between 3 and 12`,
      )
      await same(shape, where)
      await harness.db.query(`update items set title = title || '!' where id > 10`)
      await same(shape, where)
      expect(shape.currentValue.size).toBeGreaterThan(0)
    },
  )

  it('moves a row whose primary key changes', async () => {
    const shape = new Shape(harness.stream({ table: 'items' }))
    await same(shape)
    await harness.db.query('update items set id = id + 1000 where id in (7, 8)')
    await same(shape)
  })

  it('keeps a big value that an update does not touch', async () => {
    await harness.db.query(
      `insert into items select 500, 'ann', 'big', string_agg(md5(n::text), '') from generate_series(1, 4000) n`,
    )
    const shape = new Shape(harness.stream({ table: 'items', where: "owner = 'ann'", replica: 'full' }))
    await same(shape, "owner = 'ann'")
    await harness.db.query(`update items set title = 'still big' where id = 500`)
    await same(shape, "owner = 'ann'")
    await harness.db.query(`update items set owner = 'bob' where id = 500`)
    await harness.db.query(`update items set owner = 'ann' where id = 500`)
    await same(shape, "owner = 'ann'")
  })

  it('starts anew after TRUNCATE', async () => {
    const shape = new Shape(harness.stream({ table: 'items' }))
    await same(shape)
    await harness.db.query('truncate items')
    await harness.db.query(`insert into items values (1, 'ann', 'after', null)`)
    await same(shape)
  })

  it('gives a new reader a fresh snapshot when the log has grown long, and others go on with the old one', async () => {
    await harness.db.query(`create table busy (id int primary key, n int); insert into busy values (1, 0)`)
    const early = new Shape(harness.stream({ table: 'busy' }))
    const equal = (shape: Shape): Promise<void> =>
      untilEqual(shape, 'busy', () => textRows(harness.db, 'select * from busy'))
    await equal(early)
    await harness.db.query(`do $$ begin for i in 1..1500 loop update busy set n = n + 1; commit; end loop; end $$`)
    await equal(early)
    const replica = new StrictReplica(harness.stream({ table: 'busy' }))
    await expect.poll(() => replica.upToDate).toBe(true)
    expect([...replica.rows.values()]).toEqual([{ id: '1', n: '1500' }])
    expect(replica.changes).toBe(1)
    await harness.db.query('update busy set n = -1')
    await equal(early)
    await expect.poll(() => [...replica.rows.values()]).toEqual([{ id: '1', n: '-1' }])
  })

  it('notices a new column type although no row was written', async () => {
    await harness.db.query(`create table typed (id int primary key, v int); insert into typed values (1, 5)`)
    const shape = new Shape(harness.stream({ table: 'typed' }))
    const equal = (): Promise<void> => untilEqual(shape, 'typed', () => textRows(harness.db, 'select * from typed'))
    await equal()
    await harness.db.query(`alter table typed alter column v type numeric(6, 2)`)
    await equal()
    expect([...shape.currentValue.values()]).toEqual([{ id: '1', v: '5.00' }])
  })

  it('starts anew when a column is added', async () => {
    const shape = new Shape(harness.stream({ table: 'items' }))
    await same(shape)
    await harness.db.query(`alter table items add column extra int default 7`)
    await harness.db.query(`insert into items values (2, 'ann', 'x', null, 9)`)
    await same(shape)
  })

  it('gives a new reader at most twice the bytes of the rows, however often they changed', async () => {
    await harness.db.query(
      `create table restless (id int primary key, note text); insert into restless select n, repeat('n', 300) from generate_series(1, 200) n`,
    )
    const early = new StrictReplica(harness.stream({ table: 'restless' }))
    await expect.poll(() => early.upToDate, { timeout: 10_000 }).toBe(true)
    for (let round = 0; round < 40; round += 1)
      await harness.db.query(`update restless set note = repeat('n', 299) || $1`, [round % 10])
    await expect.poll(() => early.changes, { timeout: 20_000 }).toBe(200 + 40 * 200)
    let bytes = 0
    const counting: typeof fetch = async (input, init) => {
      const answer = await fetch(input, init)
      bytes += (await answer.clone().arrayBuffer()).byteLength
      return answer
    }
    const late = new StrictReplica(harness.stream({ table: 'restless' }, { fetchClient: counting }))
    await expect.poll(() => late.upToDate, { timeout: 10_000 }).toBe(true)
    const rows = await textRows(harness.db, 'select * from restless')
    expect([...late.rows.values()]).toHaveLength(rows.length)
    expect(bytes).toBeLessThan(2 * JSON.stringify(rows).length)
    expect([...early.faults, ...late.faults]).toEqual([])
  })

  it('passes a transaction in parts that is bigger than one of them', { timeout: 60_000 }, async () => {
    await harness.db.query(`create table wide (id int primary key, owner int, note text)`)
    const all = new StrictReplica(harness.stream({ table: 'wide' }))
    const some = new StrictReplica(harness.stream({ table: 'wide', where: 'owner = 3' }))
    await expect.poll(() => all.upToDate && some.upToDate).toBe(true)
    await harness.db.query(
      `insert into wide select n, n % 5, repeat(md5(n::text), 20) from generate_series(1, 20000) n`,
    )
    await harness.db.query(`update wide set note = 'short' where id = 3`)
    await expect.poll(() => [all.changes, some.changes], { timeout: 30_000 }).toEqual([20_001, 4_001])
    expect([...all.faults, ...some.faults]).toEqual([])
    expect(all.refetches + some.refetches).toBe(0)
  })
})
