import type { DeadEntry } from '../../client/device-store.ts'

/** A write that the device has acknowledged. */
export interface Acknowledged {
  id: string
  name: string
  /** Rows that it makes. */
  rows: { table: string; id: string }[]
  /** A preference that only this device writes. */
  preference?: { key: string; value: string } | undefined
  /** Earlier writes that this one took up: they are sent as one. */
  absorbs: readonly string[]
}

/** What a device process is told. */
export type ToDevice =
  | { do: 'write'; on: boolean }
  | { do: 'line'; up: boolean }
  /** How far its wall clock is off from now on, ms. */
  | { do: 'clock'; off: number }
  | { do: 'report'; call: number; sql: Readonly<Record<string, string>> }

export interface Report {
  state: string
  mode: string
  problem: string | undefined
  waiting: string[]
  dead: DeadEntry[]
  /** Answers to the queries; none without a replica. */
  rows: Record<string, string[]>
}

/** What a device process says. */
export type FromDevice =
  | { says: 'up' }
  | { says: 'acknowledged'; write: Acknowledged }
  /** A promise that was broken before its eyes. */
  | { says: 'broken'; what: string }
  | { says: 'report'; call: number; report: Report }

export interface DeviceOrder {
  origin: string
  user_id: string
  cookie: string
  folder: string
  agent_id: string
  draft_id: string
  seed: number
  off: number
}
