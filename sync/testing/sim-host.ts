import type { Mutator } from '../../shared/kernel/mutator.ts'
import type { Pending, Refusal } from '../core/pending.ts'
import type { Mutation } from '../protocol/push.ts'
import type { ModelServer } from './model-server.ts'
import type { Practices } from './practices.ts'

/** What an engine finds around it, and what outlives it. */
export interface SimHost {
  /** The device's id. */
  readonly id: string
  /** The device database: it survives whatever happens to the process. */
  readonly idb: { outbox: Pending[]; dead: { item: Pending; error: Refusal }[] }
  /** The server can be reached. */
  readonly line: boolean
  /** The session is this person's. */
  readonly session: boolean
  /** Writes of the replica that will fail. */
  diskTrouble: number
  /** Pushes that the network still holds. */
  readonly underway: Mutation[][]
  readonly server: ModelServer
  readonly practices: Practices
  readonly mutators: Readonly<Record<string, Mutator>>
  /** The server's time, ISO. */
  time(): string
  /** As a Dexie update by id: nothing happens to what is gone. */
  change(id: string, more: Partial<Pending>): void
  /** Moves refused mutations and what rests on them to the dead letters. */
  bury(refused: readonly { id: string; error: Refusal }[]): void
  /** What is sent again after an answer that did not come. */
  sendAgain(ids: readonly string[]): void
  /** The server has said what time it is. */
  hearTime(): void
  /** Mutations leave. */
  sent(batch: readonly Mutation[]): void
  /** The engine has made a step: what the device shows may be looked at. */
  stepped(): void
}
