import { AppError, operationalError } from '../../shared/kernel/errors.ts'
import type { Effect, Pending } from '../core/pending.ts'
import type { Health } from './health.ts'
import type { HostStatus, NewMutation } from './host-protocol.ts'
import type { Replica } from './replica.ts'
import type { Serial } from './serial.ts'

export interface ReplicaLifeDeps {
  /** Opens the replica; rejects when this browser cannot hold one. Absent: reads stay with the server. */
  open?: (() => Promise<Replica>) | undefined
  serial: Serial
  health: Health
  /** A replica has come, or has been let go: what follows the server must start over from its positions. */
  onComing: () => Promise<void>
  onLeaving: () => void
  /** What tabs know of the replica has changed. */
  onStatus: () => void
  /** Nothing will be opened any more: what waited for a replica is settled without one. */
  onNone: () => Promise<void>
}

const APPLY_RETRY_MS = 3000

/** The replica from its opening to its end: who wants rows asks for it here, and is told when there is none. */
export class ReplicaLife {
  readonly #deps: ReplicaLifeDeps
  #replica: Replica | undefined
  #mode: HostStatus['mode'] = 'online'
  #opening: boolean
  #bytes: number | undefined
  #stopped = false

  constructor(deps: ReplicaLifeDeps) {
    this.#deps = deps
    this.#opening = deps.open !== undefined
  }

  get current(): Replica | undefined {
    return this.#replica
  }

  /** A replica is being opened: what is on its disk is not known yet. */
  get opening(): boolean {
    return this.#opening
  }

  get status(): Pick<HostStatus, 'mode' | 'opening' | 'bytes' | 'lasting'> {
    return {
      mode: this.#mode,
      opening: this.#opening,
      lasting: this.#replica?.lasting ?? false,
      ...(this.#bytes === undefined ? {} : { bytes: this.#bytes }),
    }
  }

  needed(): Replica {
    if (!this.#replica) throw operationalError('server/unavailable')
    return this.#replica
  }

  async open(): Promise<void> {
    const { open, onComing, onStatus, onNone } = this.#deps
    if (!open) return
    this.#opening = true
    try {
      const replica = await open()
      if (this.#stopped) return await replica.close()
      this.#replica = replica
      replica.onBroken(() => void (this.#replica === replica && this.rebuild()))
      await onComing()
    } catch {
      // this browser holds no replica: reads stay with the server
    }
    this.#opening = false
    onStatus()
    if (!this.#replica) await onNone()
  }

  /** Closes it and deletes its files. */
  async drop(): Promise<void> {
    this.#mode = 'online'
    this.#deps.onLeaving()
    const replica = this.#replica
    this.#replica = undefined
    await this.#deps.serial.run(async () => replica?.destroy())
  }

  /** Closes it and deletes its files, for good: one that is still being opened is closed when it comes. */
  async destroy(): Promise<void> {
    this.#stopped = true
    await this.drop()
  }

  /** Deletes it and fetches everything again; the outbox is elsewhere. */
  async rebuild(): Promise<void> {
    if (!this.#deps.open) return
    await this.drop()
    this.#deps.onStatus()
    void this.open()
  }

  /** Ends; the files stay. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#deps.serial.run(async () => this.#replica?.close())
  }

  /** A write that must not be lost: tried until it works or the engine ends. */
  async write(task: () => Promise<string[]>): Promise<string[]> {
    const { serial, health } = this.#deps
    while (!this.#stopped) {
      try {
        const tables = await serial.run(task)
        health.solved('sync/replica')
        return tables
      } catch {
        health.problem('sync/replica')
        await new Promise((resolve) => setTimeout(resolve, APPLY_RETRY_MS))
      }
    }
    return []
  }

  /** Alone with the replica: nothing else writes meanwhile. */
  alone<T>(task: () => Promise<T>): Promise<T> {
    return this.#deps.serial.run(task)
  }

  /** A replica in trouble must not stand between a person and their outbox: then the server alone will judge. */
  async prepare(mutation: NewMutation, outbox: readonly Pending[]): Promise<((hlc: string) => Effect) | undefined> {
    if (!this.#replica || this.#mode !== 'replica') return undefined
    try {
      return await this.#replica.prepare(mutation, outbox)
    } catch (error) {
      if (error instanceof AppError && error.kind === 'user') throw error
      return undefined
    }
  }

  /** From here on tabs read locally. */
  serveWhenReadable(): void {
    if (this.#mode === 'replica' || !this.#replica?.readable) return
    this.#mode = 'replica'
    this.#deps.onStatus()
    void this.measure()
  }

  async measure(): Promise<void> {
    this.#bytes = await this.#replica?.bytes().catch(() => undefined)
    this.#deps.onStatus()
  }
}
