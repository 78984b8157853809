import { Shape } from 'electric-sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startShapeHarness, textRows, untilEqual, type ShapeHarness } from './testing.ts'

describe('the shape server, read by the unmodified client', () => {
  let harness: ShapeHarness

  beforeAll(async () => {
    harness = await startShapeHarness()
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

  it('starts anew when a column is added', async () => {
    const shape = new Shape(harness.stream({ table: 'items' }))
    await same(shape)
    await harness.db.query(`alter table items add column extra int default 7`)
    await harness.db.query(`insert into items values (2, 'ann', 'x', null, 9)`)
    await same(shape)
  })
})
