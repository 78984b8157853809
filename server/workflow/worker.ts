import { newId } from '../../shared/kernel/id.ts'
import { toAppError } from '../../shared/kernel/errors.ts'
import type { RunSnapshotFrame } from '../../sync/protocol/socket.ts'
import { ActiveRun } from './active-run.ts'
import { createEngine, type Fence } from './engine/index.ts'
import { loadInputs, type Loaded } from './load-inputs.ts'
import { endSpentRun, MOST_FAILURES, performRun, type Performance } from './perform-run.ts'
import { RunQueue, type Claim, type Past, type TextPiece } from './run-queue.repository.ts'
import { endLostRuns } from './sweep.ts'
import { VersionCache } from './version-cache.ts'
import type { Lease, Worker, WorkerDeps, WorkerLimits, WorkerStatus } from './worker-contract.ts'
import { notifyRuns } from './wake-up.ts'

const LIMITS: WorkerLimits = {
  runs: 400,
  runs_per_user: 8,
  run_ms: 10 * 60_000,
  grace_ms: 10_000,
  poll_ms: 1_000,
  partials_ms: 1_000,
  sweep_ms: 60_000,
}

/**
 * How many runs that have failed may be at work together, by the failures of the one that has failed most. A run that
 * kills its worker takes with it all that are at work beside it: so those are tried in ever smaller company, and in the
 * end each alone.
 */
const COMPANY = [50, 12, 3, 1]

export function createWorker(deps: WorkerDeps): Worker {
  return new LeasingWorker(deps)
}

/**
 * Takes runs from the queue and performs them. Four clocks: a heartbeat for all leases (a third of their length), a slow
 * poll, the writing of partial text, and a sweep for runs that fell out of the queue. Being woken only saves waiting.
 */
class LeasingWorker implements Worker {
  readonly id = `worker-${newId()}`
  readonly #deps: WorkerDeps
  readonly #limits: WorkerLimits
  readonly #queue: RunQueue
  readonly #performance: Performance
  readonly #runs = new Map<string, ActiveRun>()
  /** Reserved slots: whose, and since when. */
  readonly #reserved = new Map<Lease, { user_id: string; since: number }>()
  readonly #timers: NodeJS.Timeout[] = []
  /** Runs that `started` announced in this turn of the event loop: they are loaded together. */
  #announced: ActiveRun[] = []
  #claiming = false
  /** The queue should be looked at. */
  #wanted = false
  /** Runs are known to wait: nobody may jump the queue by self-claim. */
  #backlog = false
  #keeping: Promise<void> = Promise.resolve()
  #stopping = false
  #healthy = true

  constructor(deps: WorkerDeps) {
    this.#deps = deps
    this.#limits = { ...LIMITS, ...deps.limits }
    this.#queue = new RunQueue(deps.db, this.id, deps.lease_ms)
    const engine = createEngine(deps.db)
    const { db, log, models, conversation } = deps
    const versions = new VersionCache(engine, conversation)
    this.#performance = {
      db,
      log,
      models,
      conversation,
      engine,
      versions,
      queue: this.#queue,
      settled: () => this.#keeping,
    }
  }

  reserve(user_id: string): Lease | undefined {
    if (this.#stopping || this.#backlog || this.#free <= 0 || this.#load(user_id) >= this.#limits.runs_per_user)
      return undefined
    const lease: Lease = { owner: this.id, attempt: 1, lease_ms: this.#deps.lease_ms }
    this.#reserved.set(lease, { user_id, since: Date.now() })
    return lease
  }

  started(lease: Lease, execution_id: string): void {
    const reserved = this.#reserved.get(lease)
    this.#reserved.delete(lease)
    // A reservation that ran out has a lease in the database that runs out as well; another claim finds the run.
    if (!reserved || this.#runs.has(execution_id)) return
    const fence = { execution_id, lease_owner: this.id, attempt: lease.attempt }
    const run = this.#open(fence, reserved.user_id, { failures: 0, worked_ms: 0 })
    if (this.#announced.push(run) === 1) setImmediate(() => this.#begin(this.#announced.splice(0)))
  }

  release(lease: Lease): void {
    this.#reserved.delete(lease)
  }

  wake(): void {
    this.#backlog = true
    this.#look()
  }

  cancel(execution_id: string): void {
    this.#runs.get(execution_id)?.stop('cancelled')
  }

  active(): { user_id: string; hidden: boolean; frame: RunSnapshotFrame }[] {
    return [...this.#runs.values()]
      .filter((run) => run.input && !run.wasStopped('lost'))
      .map((run) => ({ user_id: run.user_id, hidden: run.hidden, frame: run.snapshot() }))
  }

  snapshots(user_id: string): RunSnapshotFrame[] {
    return [...this.#runs.values()]
      .filter((run) => run.user_id === user_id && run.input && !run.hidden && !run.wasStopped('lost'))
      .map((run) => run.snapshot())
  }

  async start(): Promise<void> {
    this.#every(this.#deps.lease_ms / 3, () => this.#beat())
    this.#every(this.#limits.poll_ms, () => this.#poll())
    this.#every(this.#limits.partials_ms, () => this.#keep())
    this.#every(this.#limits.sweep_ms, () => endLostRuns(this.#performance, 'recent'))
    await this.#guarded(() => endLostRuns(this.#performance, 'all'))
    await this.#guarded(() => this.#poll())
  }

  async stop(): Promise<void> {
    this.#stopping = true
    const deadline = Date.now() + this.#limits.grace_ms
    while (this.#runs.size > 0 && Date.now() < deadline) await sleep(20)
    for (const run of this.#runs.values()) run.stop('drained')
    // Handing back is one short statement a run; a database that does not answer must not keep the process alive.
    const last = Date.now() + 5_000
    while (this.#runs.size > 0 && Date.now() < last) await sleep(20)
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
  }

  status(): WorkerStatus {
    return { running: this.#runs.size, reserved: this.#reserved.size, stopping: this.#stopping, healthy: this.#healthy }
  }

  #load(user_id: string): number {
    let load = 0
    for (const run of this.#runs.values()) if (run.user_id === user_id) load += 1
    for (const reserved of this.#reserved.values()) if (reserved.user_id === user_id) load += 1
    return load
  }

  /** How many more failed runs may join those at work here, by the failures they will have had. */
  #company(): number[] {
    const failed = [...this.#runs.values()].filter((run) => run.past.failures > 0)
    const most = failed.map((run) => COMPANY[run.past.failures - 1] ?? 1)
    return COMPANY.map((company) => Math.min(company, ...most) - failed.length)
  }

  #open(fence: Fence, user_id: string, past: Past): ActiveRun {
    const run = new ActiveRun(fence, user_id, past, this.#deps.emit)
    this.#runs.set(fence.execution_id, run)
    return run
  }

  #look(): void {
    this.#wanted = true
    if (this.#claiming || this.#stopping) return
    this.#claiming = true
    void this.#claim().finally(() => {
      this.#claiming = false
    })
  }

  async #claim(): Promise<void> {
    while (this.#wanted && !this.#stopping) {
      const free = this.#free
      // No slot: the backlog stays known, and the next slot that gets free looks again.
      if (free <= 0) return
      this.#wanted = false
      const most = Math.min(free, 50)
      const claims = await this.#guarded(() => this.#queue.claim(most, this.#limits.runs_per_user))
      if (!claims) return
      this.#take(claims)
      if (claims.length === most) this.#wanted = true
      this.#backlog = this.#wanted
    }
  }

  get #free(): number {
    return this.#limits.runs - this.#runs.size - this.#reserved.size
  }

  #take(claims: readonly Claim[]): void {
    const runs = claims.map((claim) => {
      // Another attempt of the same run may still be winding up here; it has lost its lease.
      this.#runs.get(claim.execution_id)?.lose()
      const { execution_id, attempt, failures, worked_ms } = claim
      const fence = { execution_id, lease_owner: this.id, attempt }
      const run = this.#open(fence, claim.user_id, { failures, worked_ms })
      if (claim.cancelled) run.stop('cancelled')
      else if (worked_ms >= this.#limits.run_ms) run.stop('timed-out')
      return run
    })
    if (runs.length > 0) this.#begin(runs)
  }

  /** Loads runs in one statement and sets each to work; those that have failed too often are ended. */
  #begin(runs: readonly ActiveRun[]): void {
    const fit = runs.filter((run) => run.past.failures < MOST_FAILURES)
    for (const run of runs) if (!fit.includes(run)) void this.#hold(run, () => endSpentRun(this.#performance, run))
    if (fit.length === 0) return
    const ids = fit.map((run) => run.fence.execution_id)
    void loadInputs(this.#deps, ids).then((inputs) => {
      for (const run of fit)
        void this.#hold(run, () => this.#perform(run, inputs.get(run.fence.execution_id) ?? 'failed'))
    })
  }

  async #perform(run: ActiveRun, input: Loaded): Promise<number> {
    const { fence } = run
    if (typeof input === 'object') return performRun(this.#performance, run, input)
    if (input === 'gone') await this.#guarded(() => this.#queue.drop(fence))
    else
      await this.#guarded(() =>
        this.#queue.handBack({
          fence,
          partial: undefined,
          records: [],
          tokens: 0,
          checkpoint: undefined,
          failed: true,
        }),
      )
    return 0
  }

  /** Keeps the run among those at work here until `work`, which gives how many others waited for it, is done. */
  async #hold(run: ActiveRun, work: () => Promise<number>): Promise<void> {
    let unblocked = 0
    try {
      unblocked = await work()
    } finally {
      if (this.#runs.get(run.fence.execution_id) === run) this.#runs.delete(run.fence.execution_id)
    }
    if (unblocked > 0 && (this.#stopping || this.#free <= 0)) await this.#guarded(() => notifyRuns(this.#deps.db))
    // Runs of a person who had as many as they may are passed over by every claim until one of theirs ends.
    if (unblocked > 0 || this.#backlog || this.#load(run.user_id) === this.#limits.runs_per_user - 1) this.#look()
  }

  /** One statement for all leases; it also brings requests to stop. */
  async #beat(): Promise<void> {
    const now = Date.now()
    for (const [lease, { since }] of this.#reserved) if (now - since > this.#deps.lease_ms) this.#reserved.delete(lease)
    const beating = [...this.#runs.values()].filter((run) => !run.wasStopped('lost'))
    if (beating.length === 0) return
    const rows = await this.#queue.beat(beating.map((run) => run.fence))
    const held = new Map(rows.map((row) => [row.execution_id, row.cancelled]))
    for (const run of beating) {
      const { execution_id } = run.fence
      // A run that is ending has no row as soon as its end is written; its end statement knows whether it was ours.
      if (run.ending || this.#runs.get(execution_id) !== run) continue
      const cancelled = held.get(execution_id)
      if (cancelled === undefined) run.lose()
      else if (cancelled) run.stop('cancelled')
    }
  }

  async #poll(): Promise<void> {
    for (const run of this.#runs.values()) if (run.worked_ms > this.#limits.run_ms) run.stop('timed-out')
    if (this.#stopping) return
    if (this.#free > 0) this.#take(await this.#queue.takeOver(Math.min(this.#free, 50), this.#company()))
    await this.#queue.unblock()
    this.#look()
  }

  /** Writes the text so far of all runs in one statement. */
  async #keep(): Promise<void> {
    const partials: TextPiece[] = []
    for (const run of this.#runs.values()) {
      if (run.text.length === run.kept || run.wasStopped('lost')) continue
      // A surrogate pair that is cut here would be stored as two broken halves.
      const end = isHighSurrogate(run.text, run.text.length - 1) ? run.text.length - 1 : run.text.length
      partials.push({ fence: run.fence, seq: run.seq, delta: run.text.slice(run.kept, end) })
      run.kept = end
    }
    if (partials.length === 0) return
    this.#keeping = this.#guarded(() => this.#queue.keep(partials)).then(() => undefined)
    await this.#keeping
  }

  #every(ms: number, work: () => Promise<unknown>): void {
    let busy = false
    const tick = async (): Promise<void> => {
      if (busy) return
      busy = true
      await this.#guarded(work)
      busy = false
    }
    this.#timers.push(setInterval(() => void tick(), ms))
  }

  /** Work of the clocks must not end the process; the next tick tries again. */
  async #guarded<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work()
      this.#healthy = true
      return result
    } catch (error) {
      this.#healthy = false
      this.#deps.log.error({ event: 'worker.trouble', reason: toAppError(error).message })
      return undefined
    }
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function isHighSurrogate(text: string, index: number): boolean {
  const code = text.charCodeAt(index)
  return code >= 0xd800 && code <= 0xdbff
}
