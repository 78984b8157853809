import type { RunSnapshotFrame, ServerFrame } from '../../sync/protocol/socket.ts'
import type { ModelProviders } from '../config/index.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import type { ConversationPort } from './ports.ts'

/** A free slot, promised to a run that is about to be pushed. */
export interface Lease {
  owner: string
  attempt: 1
  lease_ms: number
}

export interface WorkerDeps {
  db: Database
  log: Log
  lease_ms: number
  models: ModelProviders
  /** Delivers a frame to every socket of a person; a hidden one to those who wait for this very run only. */
  emit: (user_id: string, frame: ServerFrame, hidden: boolean) => void
  conversation: ConversationPort
  limits?: Partial<WorkerLimits> | undefined
}

export interface WorkerLimits {
  /** Runs at once in this process, and of one person. */
  runs: number
  runs_per_user: number
  /** So long may a run work, all its attempts together. Waiting, for its turn or for a server, is not work. */
  run_ms: number
  /** How long stop() lets runs finish before it hands them back. */
  grace_ms: number
  /** How often to look for runs that nobody announced. */
  poll_ms: number
  /** How often text so far is written. */
  partials_ms: number
  sweep_ms: number
}

export interface WorkerStatus {
  running: number
  reserved: number
  stopping: boolean
  /** False after a heartbeat that the database did not answer. */
  healthy: boolean
}

export interface Worker {
  readonly id: string
  /** A free slot for a run that this process is about to push; undefined when others wait or nothing is free. */
  reserve(user_id: string): Lease | undefined
  /** The push has committed: the run begins at once, without another claim. */
  started(lease: Lease, execution_id: string): void
  /** The push has not committed. */
  release(lease: Lease): void
  /** Looks for waiting runs now. */
  wake(): void
  /** Stops a run if it is at work here. */
  cancel(execution_id: string): void
  /** Every run at work here, with all its text so far: what another process begins with that follows this one. */
  active(): { user_id: string; hidden: boolean; frame: RunSnapshotFrame }[]
  /** All text so far of a person's runs here. */
  snapshots(user_id: string): RunSnapshotFrame[]
  start(): Promise<void>
  stop(): Promise<void>
  status(): WorkerStatus
}
