import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SECRET, startShapeHarness, textRows, type ShapeHarness } from './testing.ts'
import { StrictReplica } from './testing-replica.ts'
import { outline } from './testing-rows.ts'

const MEGABYTE = 1024 * 1024
/** Whoever holds it keeps snapshots of `things` from coming to their end. */
const GATE = 4711
/** As many snapshots as are read at one time. */
const AT_ONCE = 4
/** Each has a row that the gate guards. */
const OWNERS = 5

type Asked = Partial<Record<'where' | 'columns' | 'replica', string>>

interface Reader {
  shape: Asked
  replica: StrictReplica
}

const SHAPES: readonly Asked[] = [
  {},
  { columns: 'id,owner', replica: 'full' },
  { where: 'owner = 1', columns: 'id,owner' },
  { where: 'owner = 2' },
  { columns: 'id,owner' },
  { where: 'owner = 3', replica: 'full' },
]

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

describe('a snapshot that takes long, while others write', () => {
  let harness: ShapeHarness
  let gate: pg.Client

  beforeAll(async () => {
    harness = await startShapeHarness({ anyTable: false }, prepare)
    gate = new pg.Client({ connectionString: harness.databaseUrl })
    await gate.connect()
  })
  afterAll(async () => {
    await gate.end()
    await harness.close()
  })

  const readerOf = (shape: Asked): Reader => ({
    shape,
    replica: new StrictReplica(harness.stream({ table: 'things', ...shape })),
  })
  const seen = async (): Promise<void> => {
    const { rows } = await harness.db.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn')
    await expect
      .poll(() => lsnOf(harness.server.status().lsn), { timeout: 20_000 })
      .toBeGreaterThanOrEqual(
        // A commit record begins a little before its end.
        lsnOf(rows[0]?.lsn ?? '') - 4096n,
      )
  }
  const waiting = async (): Promise<number> =>
    (await harness.db.query(`select from pg_locks where locktype = 'advisory' and not granted`)).rowCount ?? 0
  const expectEqual = async ({ shape, replica }: Reader): Promise<void> => {
    const { columns = '*', where = 'true' } = shape
    const expected = outline(await textRows(harness.db, `select ${columns} from things where ${where}`))
    const message = JSON.stringify(shape)
    await expect.poll(() => outline([...replica.rows.values()]), { timeout: 20_000, message }).toBe(expected)
    expect([message, replica.faults.slice(0, 3), replica.refetches]).toEqual([message, [], 0])
  }

  it('holds nothing of it in memory, and loses and repeats none of it', { timeout: 60_000 }, async () => {
    const first = readerOf({ columns: 'id' })
    await expectEqual(first)
    await gate.query(`select pg_advisory_lock(${GATE})`)
    // Some are under way when the writes come; others wait for their turn, and will have them in their snapshot.
    const late = SHAPES.slice(0, AT_ONCE).map(readerOf)
    await expect.poll(waiting, { timeout: 10_000 }).toBe(AT_ONCE)
    late.push(...SHAPES.slice(AT_ONCE).map(readerOf))
    await expect.poll(() => harness.server.status().shapes).toBe(1 + SHAPES.length)
    const before = memory()
    await harness.db.query(
      `insert into things select n, n % 4, repeat(md5(n::text), 60) from generate_series(1, 6000) n`,
    )
    await harness.db.query(`update things set owner = owner + 1 where id > 0 and id % 3 = 0`)
    await harness.db.query(`delete from things where id between 100 and 200`)
    await expect.poll(() => first.replica.rows.size, { timeout: 20_000 }).toBe(6_000 - 101 + OWNERS)
    // What was written is 19 MB; some 6 MB are the newest frames of the log, and what every log costs.
    await expect.poll(() => memory() - before, { timeout: 10_000 }).toBeLessThan(12)

    await gate.query(`select pg_advisory_unlock(${GATE})`)
    for (const reader of late) await expectEqual(reader)
    await harness.db.query(`update things set note = 'after' where id < 20`)
    for (const reader of [first, ...late]) await expectEqual(reader)
  })

  it('is the same after a restart', { timeout: 30_000 }, async () => {
    await gate.query(`select pg_advisory_lock(${GATE})`)
    const shapes = Array.from({ length: AT_ONCE }, (_, n) => `owner = ${n} and note <> 'x'`)
    const under = shapes.map((where) => readerOf({ where }))
    await expect.poll(waiting, { timeout: 10_000 }).toBe(AT_ONCE)
    const before = harness.server.status().shapes
    const waits = [{ where: 'owner = 1', replica: 'full' }, { where: `owner = 2 and note <> 'y'` }].map(readerOf)
    await expect.poll(() => harness.server.status().shapes).toBe(before + waits.length)
    await harness.db.query(`update things set note = 'early' where id between 1000 and 1100`)
    await harness.db.query(`update things set owner = 2 where id between 1050 and 1060`)
    await seen()
    await gate.query(`select pg_advisory_unlock(${GATE})`)
    const readers = [...under, ...waits]
    for (const reader of readers) await expectEqual(reader)
    const handles = await Promise.all(readers.map(({ shape }) => handleOf(shape)))
    const logs = () => Promise.all(readers.map(({ shape }, n) => logOf(shape, handles[n] ?? '')))
    const written = await logs()
    // Who was under way has the changes in the log, who waited has them in the snapshot.
    expect(written.map((messages) => messages.length > 0)).toEqual(readers.map((_, n) => n < under.length))
    await harness.restart()
    expect(await logs()).toEqual(written)
    for (const reader of readers) await expectEqual(reader)
  })

  const ask = (shape: Asked, query: string): Promise<Response> =>
    fetch(`${harness.url}/v1/shape?${new URLSearchParams({ secret: SECRET, table: 'things', ...shape })}&${query}`)
  const handleOf = async (shape: Asked): Promise<string> =>
    (await ask(shape, 'offset=now')).headers.get('electric-handle') ?? ''
  /** The row messages behind the snapshot. */
  const logOf = async (shape: Asked, handle: string): Promise<unknown[]> => {
    const answer = await ask(shape, `offset=0_inf&handle=${handle}`)
    expect(answer.status).toBe(200)
    const messages: { key?: string }[] = await answer.json()
    return messages.filter(({ key }) => key !== undefined)
  }
})

/** The shape server's role may read the rows, and those below zero only while nobody holds the gate. */
async function prepare(db: pg.Pool, url: string): Promise<string> {
  const role = `slow_${Date.now()}`
  await db.query(`
    create role ${role} login replication password 'slow';
    create table things (id int primary key, owner int, note text);
    insert into things select -n - 1, n, 'gate' from generate_series(0, ${OWNERS - 1}) n;
    alter table things replica identity full, enable row level security;
    create policy gate on things using (id > 0 or pg_advisory_xact_lock_shared(${GATE}) is not null);
    grant select on things to ${role};
    alter publication banyan add table things`)
  const own = new URL(url)
  own.username = role
  own.password = 'slow'
  return own.href
}

function memory(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / MEGABYTE
}

function lsnOf(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/')
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`)
}
