import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startShapeHarness, textRows, type ShapeHarness } from './testing.ts'
import { StrictReplica } from './testing-replica.ts'
import { lines } from './testing-rows.ts'
import { generator } from './testing-random.ts'
import { SEED } from '../testing/seed.ts'

const FILTERS = [
  'id > 0',
  'owner = 1',
  'owner = 2',
  'owner = 2 and not hidden',
  "kind = 'a'",
  "owner = 1 and kind <> 'b'",
  "(n > 5 or note is null) and not kind like 'c%'",
  'n between 2 and 7.5',
  "kind in ('a', 'c') or owner = 3",
] as const

describe('shapes made while others write (oracle)', () => {
  let harness: ShapeHarness

  beforeAll(async () => {
    // Small chunks, so that their borders are crossed all the time.
    harness = await startShapeHarness({ limits: { chunkSize: 700 }, anyTable: false }, prepare)
  })
  afterAll(() => harness.close())

  it(`each equals the table in the end, and no log has a fault (seed ${SEED})`, { timeout: 60_000 }, async () => {
    const random = generator(SEED)
    let writing = true
    const writers = [1, 2, 3].map((writer) => write(harness.databaseUrl, generator(SEED + writer), () => writing))
    const replicas: { where: string; replica: StrictReplica }[] = []
    for (let made = 0; made < 24; made += 1) {
      const where = FILTERS[made % FILTERS.length] ?? 'true'
      const replica = random(2) === 0 ? 'full' : 'default'
      // A column of its own keeps the definitions apart, so that each of them is made in the middle of writes.
      const stream = harness.stream({
        table: 'things',
        replica,
        where: `(${where}) or id = ${1_000_000 + made}`,
      })
      replicas.push({ where, replica: new StrictReplica(stream) })
      const plain = harness.stream({ table: 'things', where })
      replicas.push({ where, replica: new StrictReplica(plain) })
      await new Promise((resolve) => setTimeout(resolve, random(120)))
    }
    writing = false
    await Promise.all(writers)
    for (const { where, replica } of replicas) {
      const expected = await textRows(harness.db, `select * from things where ${where}`)
      await expect
        .poll(() => lines([...replica.rows.values()]), { timeout: 8_000, message: where })
        .toEqual(lines(expected))
      expect(replica.faults, where).toEqual([])
      expect(replica.refetches).toBe(0)
    }
  })
})

/**
 * The shape server gets a role that may replicate and select, and that a policy delays at one row: snapshots take long
 * enough for commits to fall into them.
 */
async function prepare(db: pg.Pool, url: string): Promise<string> {
  const role = `sync_${SEED}_${Date.now()}`
  await db.query(`
    create role ${role} login replication password 'oracle';
    create table things (id int primary key, owner int, kind text, n numeric, note text, hidden boolean not null default false);
    insert into things values (-1, null, 'z', -1, 'f');
    insert into things select g, g % 4, chr(97 + g % 3), g % 10, null from generate_series(1, 60) g;
    alter table things replica identity full, enable row level security;
    create policy slow on things using (id <> -1 or pg_sleep(0.1) is not null);
    grant select on things to ${role};
    alter publication banyan add table things`)
  const own = new URL(url)
  own.username = role
  own.password = 'oracle'
  return own.href
}

/** Random transactions: inserts, updates, deletes, key changes, savepoints, and a third of them rolled back. */
async function write(url: string, random: (below: number) => number, going: () => boolean): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  // Writers meet on purpose; a deadlock must not stop the traffic for a second.
  await client.query("set deadlock_timeout = '5ms'; set synchronous_commit = on")
  while (going()) {
    await client.query('begin')
    for (let count = 1 + random(4); count > 0; count -= 1) {
      const nested = random(4) === 0
      if (nested) await client.query('savepoint s')
      const failed = await client.query(statement(random)).then(
        () => false,
        () => true,
      )
      if (failed) break
      if (nested) await client.query(random(2) === 0 ? 'rollback to s' : 'release s')
      if (random(3) === 0) await new Promise((resolve) => setTimeout(resolve, random(8)))
    }
    await client.query(random(3) === 0 ? 'rollback' : 'commit')
    await new Promise((resolve) => setTimeout(resolve, random(6)))
  }
  await client.end()
}

function statement(random: (below: number) => number): string {
  const id = 1 + random(80)
  const values = `${random(4)}, chr(${97 + random(3)}), ${random(100) / 10}, ${random(3) === 0 ? 'null' : `'note ${random(9)}'`}`
  switch (random(5)) {
    case 0:
      return `insert into things values (${id}, ${values}) on conflict (id) do nothing`
    case 1:
      return `delete from things where id = ${id}`
    case 2:
      return `update things set id = id + 1000 * ${1 + random(3)} where id = ${id}`
    case 3:
      return `update things set (owner, kind, n, note, hidden) = row(${values}, ${random(2) === 0}) where id = ${id}`
    default:
      return `update things set n = n + 1, hidden = not hidden where owner = ${random(4)} and id % 5 = ${random(5)}`
  }
}
