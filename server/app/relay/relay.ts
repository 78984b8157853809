import type { RunSnapshotFrame } from '../../../sync/protocol/socket.ts'
import { newId } from '../../../shared/kernel/id.ts'
import type { Database } from '../../kernel/db.ts'
import type { Router } from '../../kernel/http.ts'
import type { Notifications } from '../../kernel/listen.ts'
import type { Log } from '../../kernel/log.ts'
import { FrameReader } from './frame-reader.ts'
import { createFrameServer } from './frame-server.ts'
import { findNeighbours, internalAddress } from './neighbours.ts'
import type { RelayedFrame } from './relayed-frame.ts'
import { RunMirror } from './run-mirror.ts'

export interface RelayOptions {
  db: Database
  notifications: Notifications
  log: Log
  env: { internalUrl: string | undefined; host: string }
  /** Known to all processes of the installation. */
  secret: string
  /** Set in a process that performs runs: all that are at work. */
  runs: (() => RelayedFrame[]) | undefined
  /** Set in a process that has devices: delivers what happens in runs elsewhere. */
  deliver: ((relayed: RelayedFrame) => void) | undefined
}

export interface Relay {
  /** Where others follow this process. */
  router: Router
  /** Tells others what happens here. */
  publish(relayed: RelayedFrame): void
  /** Runs of a person in other processes, as far as they have come. */
  snapshots(user_id: string): RunSnapshotFrame[]
  /** When this process can be reached. */
  start(port: number): Promise<void>
  stop(): void
}

/**
 * Carries the text of running answers from the process that has a run to those that have its person's devices. A process
 * with devices follows every process with a worker over internal HTTP. Nothing depends on it but the sight of an answer
 * growing: the answer itself arrives as its row, as everything does.
 */
export function createRelay(options: RelayOptions): Relay {
  const { db, log, secret, runs, deliver } = options
  const server = createFrameServer({ secret, snapshots: () => runs?.() ?? [] })
  const mirror = new RunMirror()
  const readers = new Map<string, FrameReader>()

  const follow = (address: string): FrameReader =>
    new FrameReader({
      address,
      secret,
      log,
      onFrame: (relayed) => {
        if (mirror.take(address, relayed)) deliver?.(relayed)
      },
      onLost: () => mirror.forget(address),
    })

  const neighbours = findNeighbours({
    db,
    notifications: options.notifications,
    id: newId(),
    performs: runs !== undefined,
    follows: deliver !== undefined,
    onFound: (address) => readers.set(address, follow(address)),
    onGone: (address) => {
      readers.get(address)?.stop()
      readers.delete(address)
      mirror.forget(address)
    },
  })

  return {
    router: server.router,
    publish: server.publish,
    snapshots: (user_id) => mirror.snapshots(user_id),
    start: async (port) => neighbours.start(await internalAddress(db, options.env, port)),
    stop() {
      neighbours.stop()
      for (const reader of readers.values()) reader.stop()
      server.stop()
    },
  }
}
