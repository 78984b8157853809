import type { Database, Pool } from '../../kernel/db.ts'
import { Gauge, type Registry } from '../../kernel/metrics.ts'
import { databaseFigures } from './database-figures.repository.ts'

/** Where to read the present state of the parts that this process plays. */
export interface StateSources {
  db: Database
  pools: Readonly<Record<string, Pick<Pool, 'totalCount' | 'idleCount' | 'waitingCount'>>>
  /** Connections of `WS /api/socket`, and polls that wait there. */
  sockets: (() => { connections: number; polls: number }) | undefined
  /** Of the embedded shape server: reads that wait, shapes, and bytes of their snapshots and logs. */
  shapes: (() => { reads: number; shapes: number; size: number }) | undefined
  /** Runs at work here. */
  running: (() => number) | undefined
}

/**
 * Gauges of what is there now, read anew by the function that is returned, and not in between. A database that does
 * not answer is said to be down, and what it would know is left out.
 */
export function stateMetrics(registry: Registry, sources: StateSources): () => Promise<void> {
  const here = gaugesOfProcess(registry, sources)
  const there = gaugesOfDatabase(registry, sources.db)
  return async () => {
    here()
    await there()
  }
}

function gaugesOfProcess(registry: Registry, { sockets, shapes, running, pools }: StateSources): () => void {
  const reads: (() => void)[] = []
  const gauge = (name: string, help: string, read: () => number): void => {
    const made = new Gauge({ name, help, registers: [registry] })
    reads.push(() => made.set(read()))
  }
  if (sockets) {
    gauge('banyan_socket_connections', 'Open sockets of devices.', () => sockets().connections)
    gauge('banyan_socket_polls', 'Live reads of shapes that wait on sockets.', () => sockets().polls)
  }
  if (shapes) {
    gauge('banyan_shape_reads', 'Reads of shapes under way; live ones wait.', () => shapes().reads)
    gauge('banyan_shapes', 'Shapes that are held.', () => shapes().shapes)
    gauge('banyan_shape_log_bytes', 'Size of all snapshots and logs of shapes.', () => shapes().size)
  }
  if (running) gauge('banyan_runs_active', 'Runs at work in this process.', running)
  const connections = new Gauge({
    name: 'banyan_database_pool_connections',
    help: 'Connections of each pool: open, idle, and wanted by somebody who waits.',
    labelNames: ['pool', 'state'],
    registers: [registry],
  })
  return () => {
    for (const read of reads) read()
    for (const [pool, { totalCount, idleCount, waitingCount }] of Object.entries(pools)) {
      connections.set({ pool, state: 'open' }, totalCount)
      connections.set({ pool, state: 'idle' }, idleCount)
      connections.set({ pool, state: 'wanted' }, waitingCount)
    }
  }
}

function gaugesOfDatabase(registry: Registry, db: Database): () => Promise<void> {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] })
  const up = gauge('banyan_database_up', 'Whether the database answers.')
  const queue = gauge(
    'banyan_run_queue',
    'Runs in the queue of the installation: waiting for a worker, blocked by another run, leased.',
    ['state'],
  )
  const oldest = gauge('banyan_run_queue_oldest_seconds', 'How long the run that waits longest has waited.')
  const lag = gauge(
    'banyan_replication_lag_bytes',
    'Write-ahead log that the shape server has not confirmed; it confirms every ten seconds.',
  )
  const retained = gauge('banyan_replication_retained_bytes', 'Write-ahead log that Postgres keeps for its slot.')
  return async () => {
    const figures = await databaseFigures(db).catch(() => undefined)
    up.set(figures ? 1 : 0)
    if (!figures) {
      queue.reset()
      for (const single of [oldest, lag, retained]) single.remove()
      return
    }
    for (const state of ['waiting', 'blocked', 'leased'] as const) queue.set({ state }, figures[state])
    oldest.set(figures.oldest)
    lag.set(figures.lag)
    retained.set(figures.retained)
  }
}
