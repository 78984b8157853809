import type { Change } from './fold-changes.ts'
import type { PartPage } from './part.ts'

export interface Position {
  handle: string
  /** Offset of the log up to which everything is applied. */
  offset: string
}

/** Everything of a shape between two up-to-dates, to be applied at once. */
export interface Batch {
  changes: Change[]
  /** The shape was loaded anew: rows that are not among the changes are gone. */
  refetch: boolean
  position: Position
  /** Commit LSN up to which this shape is complete (decimal text); null when the server did not say. */
  lsn: string | null
  /** Of a shape that is held in part, where it was loaded anew: what was read, and the snapshots that it is from. */
  parts?: { held: Held; pages: PartPage[] } | undefined
}

/** What a replica holds of messages: those since a time, and some chats whole. */
export interface Held {
  /** ISO time. */
  since: string
  chats: readonly string[]
}

/** Gathers what a shape's log says until it is up to date: only then are its transactions whole. */
export class Staging {
  #changes: Change[] = []
  #refetch: boolean
  #lsn: bigint | undefined

  /** `fromTheBeginning`: nothing of the shape is here yet, so that its rows replace whatever is. */
  constructor(fromTheBeginning: boolean) {
    this.#refetch = fromTheBeginning
  }

  /** Nothing waits for its up-to-date, and nothing is being loaded anew. */
  get empty(): boolean {
    return this.#changes.length === 0 && !this.#refetch
  }

  add(change: Change): void {
    this.#changes.push(change)
    this.#see(change.lsn)
  }

  /** The server has another log: what was gathered is of the old one. */
  startOver(): void {
    this.#changes = []
    this.#lsn = undefined
    this.#refetch = true
  }

  /** Up to date at `position`; `seen` is what the server says of its LSN there. */
  end(position: Position, seen: unknown): Batch {
    this.#see(seen)
    const batch = { changes: this.#changes, refetch: this.#refetch, position, lsn: this.#lsn?.toString() ?? null }
    this.#changes = []
    this.#refetch = false
    return batch
  }

  #see(lsn: unknown): void {
    if (typeof lsn !== 'string' || !/^\d+$/.test(lsn)) return
    const value = BigInt(lsn)
    if (this.#lsn === undefined || value > this.#lsn) this.#lsn = value
  }
}
