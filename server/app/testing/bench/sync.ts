import { connect, type Socket } from 'node:net'
import pg from 'pg'
import { quantile, round, wait } from './figures.ts'
import type { Usage } from './processes.ts'
import { ShapeReader } from './shape-reader.ts'

/**
 * What synchronisation costs, over Electric's own protocol (`/v1/shape`, long polls over plain HTTP) and with changes
 * that another program writes: comparable with any server of that protocol.
 */
export interface SyncReport {
  /** Insert → reader, at 20 writes a second, then as fast as they go; each shape one person's rows. */
  delivery: {
    shapes: number
    p50_ms: number
    p95_ms: number
    burst_p50_ms: number
    burst_p95_ms: number
    cpu_ms_per_write: number
    idle_core_percent: number
    rss_mb: number
  }[]
  /** A whole table, as a new shape and as one that is there. */
  initial: { rows: number; mb: number; new_ms: number; again_ms: number }[]
  /** A reader who comes back after this many changes. */
  catch_up: { changes: number; mb: number; ms: number }
  /** Readers that do not read while much is written to them. */
  stalled: { readers: number; written_mb: number; growth_mb: number }
}

export interface SyncBench {
  origin: string
  secret: string
  database: string
  usage: () => Usage
}

const TEXT = '本地优先 local first '.repeat(12)

/** Needs `ELECTRIC_SECRET` and `BANYAN_SHAPE_ANY_TABLE` on the server. Makes tables of its own and drops them. */
export async function runSyncBench(bench: SyncBench, say: (text: string) => void): Promise<SyncReport> {
  const db = new pg.Client({ connectionString: bench.database })
  await db.connect()
  try {
    await db.query(`drop table if exists bench_items, bench_rows;
      create table bench_items (id bigserial primary key, owner int not null, sent float8 not null, text text not null);
      create table bench_rows (id bigint primary key, text text not null)`)
    const delivery = []
    for (const shapes of [1, 100, 1000]) {
      delivery.push(await deliver(bench, db, shapes))
      say(`  ${shapes} shapes: ${JSON.stringify(delivery.at(-1))}`)
    }
    const initial = []
    for (const rows of [10_000, 100_000]) {
      initial.push(await load(bench, db, rows))
      say(`  ${rows} rows: ${JSON.stringify(initial.at(-1))}`)
    }
    const catch_up = await comeBack(bench, db, 10_000)
    say(`  catch-up: ${JSON.stringify(catch_up)}`)
    const stalled = await stall(bench, db, 50, 40)
    say(`  stalled: ${JSON.stringify(stalled)}`)
    return { delivery, initial, catch_up, stalled }
  } finally {
    await db.query('drop table if exists bench_items, bench_rows').catch(() => undefined)
    await db.end()
  }
}

const shapeOf = ({ origin, secret }: SyncBench, table: string, more: Record<string, string> = {}) =>
  new ShapeReader(origin, { table, secret, ...more })

async function deliver(bench: SyncBench, db: pg.Client, shapes: number): Promise<SyncReport['delivery'][number]> {
  const end = new AbortController()
  let late: number[] = []
  const readers = Array.from({ length: shapes }, (_, owner) =>
    shapeOf(bench, 'bench_items', { where: 'owner = $1', 'params[1]': String(owner) }),
  )
  for (let from = 0; from < shapes; from += 20)
    await Promise.all(readers.slice(from, from + 20).map((reader) => reader.catchUp()))
  const following = readers.map((reader) =>
    reader.follow(({ value }) => late.push(performance.now() - Number(value?.['sent'])), end.signal),
  )
  await wait(2_000)
  const before = bench.usage()
  await wait(10_000)
  const idle = bench.usage()
  const write = () =>
    db.query('insert into bench_items (owner, sent, text) values ($1, $2, $3)', [
      Math.floor(Math.random() * shapes),
      performance.now(),
      TEXT,
    ])
  for (let n = 0; n < 100; n += 1) {
    await write()
    await wait(50)
  }
  await wait(500)
  const calm = late
  late = []
  const started = bench.usage()
  const writes = 1_000
  for (let n = 0; n < writes; n += 1) await write()
  for (let n = 0; n < 100 && late.length < writes; n += 1) await wait(50)
  const ended = bench.usage()
  if (late.length !== writes) throw new Error(`${late.length} of ${writes} changes arrived`)
  end.abort()
  await Promise.all(following)
  return {
    shapes,
    p50_ms: quantile(calm, 0.5),
    p95_ms: quantile(calm, 0.95),
    burst_p50_ms: quantile(late, 0.5),
    burst_p95_ms: quantile(late, 0.95),
    cpu_ms_per_write: round(((cpu(ended) - cpu(started)) * 1000) / writes),
    idle_core_percent: round((cpu(idle) - cpu(before)) * 10),
    rss_mb: round(ended.node_rss),
  }
}

const cpu = (usage: Usage) => usage.node + usage.postgres

async function load(bench: SyncBench, db: pg.Client, rows: number): Promise<SyncReport['initial'][number]> {
  await db.query('truncate bench_rows')
  await db.query('insert into bench_rows select n, $2 || n from generate_series(1, $1) n', [rows, TEXT])
  const fresh = await timed(() => shapeOf(bench, 'bench_rows').catchUp())
  const again = await timed(() => shapeOf(bench, 'bench_rows').catchUp())
  if (fresh.value.changes !== rows) throw new Error(`${fresh.value.changes} of ${rows} rows`)
  return { rows, mb: round(fresh.value.bytes / 1e6), new_ms: fresh.ms, again_ms: again.ms }
}

async function comeBack(bench: SyncBench, db: pg.Client, changes: number): Promise<SyncReport['catch_up']> {
  const reader = shapeOf(bench, 'bench_rows')
  await reader.catchUp()
  for (let n = 0; n < changes; n += 100)
    await db.query("update bench_rows set text = text || '.' where id between $1 and $2", [n + 1, n + 100])
  // Until the server has them all, an end of the log is no end.
  await wait(3_000)
  const { ms, value } = await timed(() => reader.catchUp())
  return { changes: value.changes, mb: round(value.bytes / 1e6), ms }
}

/** Sockets that ask for a stream and never read it. */
async function stall(bench: SyncBench, db: pg.Client, readers: number, mb: number): Promise<SyncReport['stalled']> {
  const reader = shapeOf(bench, 'bench_rows', { where: 'id <= 1000' })
  await reader.catchUp()
  const { hostname, port } = new URL(bench.origin)
  const sockets: Socket[] = []
  for (let n = 0; n < readers; n += 1) {
    const { pathname, search } = reader.liveAddress({ live_sse: 'true' })
    const socket = connect(Number(port), hostname)
    socket.on('error', () => undefined)
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\nhost: ${hostname}:${port}\r\naccept: text/event-stream\r\n\r\n`)
    socket.pause()
    sockets.push(socket)
  }
  await wait(1_000)
  const before = bench.usage().node_rss
  const most = { rss: before }
  for (let n = 0; n < mb; n += 1) {
    await db.query("update bench_rows set text = repeat('x', 1000) || $1 where id <= 1000", [n])
    most.rss = Math.max(most.rss, bench.usage().node_rss)
  }
  for (const socket of sockets) socket.destroy()
  return { readers, written_mb: mb, growth_mb: round(most.rss - before) }
}

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; value: T }> {
  const started = performance.now()
  const value = await work()
  return { ms: Math.round(performance.now() - started), value }
}
