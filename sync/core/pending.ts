import type { Write } from '../../shared/kernel/mutator.ts'
import type { Mutation } from '../protocol/push.ts'

/** What a mutation did to the overlay when it last ran: kept, so that a replay that refuses does not flicker. */
export interface Effect {
  writes: Write[]
  /** Keys (`rowKeyText`) of rows it inserts; who reads or writes one of them depends on this mutation. */
  creates: string[]
  /** Keys it reads or writes. */
  touches: string[]
  /** Tables it writes: their shapes settle it. */
  tables: string[]
}

export interface Refusal {
  code: string
  params?: Record<string, unknown> | undefined
}

/** A mutation between the person's hand and the moment when every shape shows what became of it. */
export interface Pending extends Mutation {
  /** The server's word; absent while the mutation waits to be sent. */
  outcome?: { status: 'applied' } | { status: 'rejected'; error: Refusal } | undefined
  /** Commit LSN (decimal text) of the ack that covers it, once seen. */
  lsn?: string | undefined
  effect?: Effect | undefined
  /** When the person agreed to send what had grown old, epoch ms. */
  agreed_at?: number | undefined
  /** It has been on its way to the server, which may know it. Noted of those that others could take up. */
  tried?: boolean | undefined
  /** Earlier saves that this one has taken up: they are not sent by themselves. */
  absorbs?: readonly string[] | undefined
  /** How far this device's clock was behind the server's, ms, when `created_at` was put right by it. */
  behind_ms?: number | undefined
}

/** Mutations that the server has not decided yet, in the order in which they must reach it. */
export function unsent(outbox: readonly Pending[]): Pending[] {
  return outbox.filter((item) => item.outcome === undefined).sort((a, b) => a.seq - b.seq)
}
