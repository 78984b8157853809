import type { PGliteInterface } from '@electric-sql/pglite'
import { currentArgs, rowKeyText, type Mutator, type Row, type RowKey } from '../../shared/kernel/mutator.ts'
import { operationalError, userError } from '../../shared/kernel/errors.ts'
import { effectOf } from '../core/effect.ts'
import type { Change } from '../core/fold-changes.ts'
import { contextOf, replay, type Replay } from '../core/overlay.ts'
import type { PartPage } from '../core/part.ts'
import type { Effect, Pending } from '../core/pending.ts'
import { Progress } from '../core/progress.ts'
import type { ShapeCursor } from '../core/settlement.ts'
import type { Batch, Position } from '../core/staging.ts'
import { isShapeName, SHAPE_NAMES, SHAPES, type ShapeName } from '../protocol/shapes.ts'
import { applyBatch, applyChat, readCursors, saveCursor } from './apply-batch.ts'
import { isCarried } from './carry-over.ts'
import { isDamage } from './damage.ts'
import { isWhole, noteOpened, openedChats, tornChats, trimHeld } from './held-messages.ts'
import type { NewMutation } from './host-protocol.ts'
import { OverlayTables, readBase } from './overlay-tables.ts'
import type { Replica } from './replica.ts'
import { Upkeep } from './upkeep.ts'

export interface ReplicaDeps {
  user_id: string
  mutators: Readonly<Record<string, Mutator>>
  /** Its files outlive the session. */
  lasting: boolean
  /** Deletes the files after the database is closed. */
  remove: () => Promise<void>
  /** It is complete, and what it replaces is needed no more. */
  onComplete: () => void
}

/** The replica on PGlite. Its caller (the engine) runs one writing method at a time. */
export class PgliteReplica implements Replica {
  readonly #pg: PGliteInterface
  readonly #deps: ReplicaDeps
  readonly #overlay: OverlayTables
  readonly #progress: Progress
  readonly #upkeep: Upkeep
  readonly #carried: boolean
  #completed = false
  #broken = false
  /** The disk has refused a part of what was to be written together. */
  #torn = false
  #onBroken: () => void = () => undefined

  private constructor(pg: PGliteInterface, deps: ReplicaDeps, progress: Progress, carried: boolean) {
    this.#pg = pg
    this.#deps = deps
    this.#overlay = new OverlayTables(pg)
    this.#progress = progress
    this.#upkeep = new Upkeep(pg)
    this.#carried = carried
  }

  /** Over a database that holds the replica's tables. */
  static async over(pg: PGliteInterface, deps: ReplicaDeps): Promise<PgliteReplica> {
    const saved = (await readCursors(pg)).flatMap(({ shape, handle, log_offset, lsn }) =>
      isShapeName(shape) ? [[shape, { position: { handle, offset: log_offset }, lsn }] as const] : [],
    )
    const progress = new Progress(saved)
    const replica = new PgliteReplica(pg, deps, progress, await isCarried(pg))
    if (progress.complete) replica.#complete()
    return replica
  }

  get complete(): boolean {
    return this.#progress.complete
  }

  get readable(): boolean {
    return this.#carried || this.complete
  }

  get lasting(): boolean {
    return this.#deps.lasting
  }

  position(shape: ShapeName): Position | undefined {
    return this.#progress.position(shape)
  }

  cursors(): ReadonlyMap<ShapeName, ShapeCursor> {
    return this.#progress.active()
  }

  async apply(shape: ShapeName, batch: Batch): Promise<string[]> {
    const { cursor, idle, doubtful } = this.#progress.after(shape, batch)
    const saved = { ...cursor.position, lsn: cursor.lsn }
    const whole = idle || (await this.#watch(applyBatch(this.#pg, shape, batch, saved, doubtful)))
    // an LSN of the new WAL must not meet files that remember the old one
    if (doubtful.length > 0) await this.flush()
    this.#progress.reached(shape, cursor, whole || batch.refetch)
    this.#progress.forgetLsns(doubtful)
    this.#upkeep.note(batch.changes)
    await this.#noteComplete()
    return idle ? [] : [SHAPES[shape].table]
  }

  async held(limit: number): Promise<string[]> {
    return openedChats(this.#pg, limit)
  }

  async torn(limit: number): Promise<string[]> {
    return tornChats(this.#pg, limit)
  }

  async isWhole(chat_id: string): Promise<boolean> {
    const whole = await isWhole(this.#pg, chat_id)
    if (whole) await noteOpened(this.#pg, chat_id)
    return whole
  }

  async hold(chat_id: string, handle: string, pages: readonly PartPage[], meanwhile: readonly Change[]): Promise<void> {
    // loaded anew meanwhile: these rows belong to another log
    if (this.position('messages')?.handle !== handle) throw operationalError('server/unavailable')
    await this.#watch(applyChat(this.#pg, chat_id, pages, meanwhile, this.#progress.lsn('messages')))
  }

  async trim(window: { since: string; kept: readonly string[]; most: number }): Promise<number> {
    const gone = await this.#watch(trimHeld(this.#pg, window))
    this.#upkeep.noteGone(gone)
    return gone
  }

  async tidy(): Promise<void> {
    if (this.complete) await this.#watch(this.#upkeep.run())
  }

  refetching(shape: ShapeName): void {
    this.#progress.refetching(shape)
  }

  takeDamage(shape: ShapeName): boolean {
    return this.#progress.takeDamage(shape)
  }

  async revoke(shape: ShapeName): Promise<string[]> {
    this.#progress.revoke(shape)
    await this.#pg.transaction(async (tx) => {
      await tx.query(`delete from ${SHAPES[shape].table}_synced`)
      await saveCursor(tx, shape, undefined)
    })
    return [SHAPES[shape].table]
  }

  async ack(device_id: string): Promise<{ last_seq: number; lsn: string } | undefined> {
    const lsn = this.#progress.lsn('acks')
    const { rows } = await this.#pg.query<{ last_seq: number }>(
      'select last_seq from acks_synced where device_id = $1',
      [device_id],
    )
    const [row] = rows
    return row && lsn ? { last_seq: row.last_seq, lsn } : undefined
  }

  async prepare(mutation: NewMutation, outbox: readonly Pending[]): Promise<(hlc: string) => Effect> {
    const { mutators, user_id } = this.#deps
    const mutator = Object.hasOwn(mutators, mutation.name) ? mutators[mutation.name] : undefined
    if (!mutator) throw userError('sync/unknown-mutation', { name: mutation.name })
    const args = currentArgs(mutator, mutation)
    const reads = mutator.reads(args, contextOf({ ...mutation, hlc: '' }, user_id))
    const { reader } = await this.#replay(outbox, reads)
    return (hlc) => effectOf(reads, mutator.run(args, reader, contextOf({ ...mutation, hlc }, user_id)))
  }

  async rebase(outbox: readonly Pending[]): Promise<{ tables: string[]; effects: Map<string, Effect> }> {
    if (outbox.length === 0 && this.#overlay.empty) return { tables: [], effects: new Map() }
    const { rows, effects } = await this.#watch(this.#replay(outbox))
    return { tables: await this.#watch(this.#overlay.show(rows)), effects: new Map(effects) }
  }

  async read(sql: string, values: unknown[]): Promise<Record<string, unknown>[]> {
    return (await this.#watch(this.#pg.query<Row>(sql, values))).rows
  }

  async query(sql: string, values: unknown[]): Promise<Record<string, unknown>[]> {
    return this.#pg.transaction(async (tx) => {
      await tx.exec('set transaction read only')
      return (await tx.query<Row>(sql, values)).rows
    })
  }

  async flush(): Promise<void> {
    // Commits are written behind; only the file system itself can be waited for.
    try {
      await this.#pg.fs?.syncToFs(false)
    } catch (error) {
      this.#torn = true
      throw error
    }
    // Files that were written half-way opened once and not again: they are not trusted, now that there is room.
    if (this.#torn) this.#break()
  }

  onBroken(listener: () => void): void {
    this.#onBroken = listener
  }

  async bytes(): Promise<number | undefined> {
    return (await globalThis.navigator?.storage?.estimate?.())?.usage
  }

  async stock(): Promise<{ shape: ShapeName; rows: number; bytes: number }[]> {
    const counts = SHAPE_NAMES.map((name) => {
      const table = `${SHAPES[name].table}_synced`
      return `select '${name}' as shape, (select count(*)::int from ${table}) as rows,
        pg_total_relation_size('${table}')::int as bytes`
    })
    const { rows } = await this.#pg.query<{ shape: ShapeName; rows: number; bytes: number }>(counts.join(' union all '))
    return rows
  }

  async close(): Promise<void> {
    await this.#pg.close()
  }

  async destroy(): Promise<void> {
    await this.#pg.close().catch(() => undefined)
    await this.#deps.remove()
  }

  /** Tells once when the database turns out to be damaged. */
  async #watch<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (isDamage(error)) this.#break()
      throw error
    }
  }

  #break(): void {
    if (this.#broken) return
    this.#broken = true
    this.#onBroken()
  }

  /** Replays with more and more synced rows at hand until none is missing: two or three rounds. */
  async #replay(outbox: readonly Pending[], also: readonly RowKey[] = []): Promise<Replay> {
    const base = new Map<string, Row | null>()
    for (;;) {
      const result = replay(outbox, base, this.#deps, also)
      if (result.missing.length === 0) return result
      for (const { table, key } of result.missing) base.set(rowKeyText(table, key), null)
      for (const [id, row] of await readBase(this.#pg, result.missing)) base.set(id, row)
    }
  }

  async #noteComplete(): Promise<void> {
    if (this.#completed || !this.complete) return
    // without statistics the first plans over a full replica take seconds instead of milliseconds
    await this.#upkeep.analyze().catch(() => undefined)
    // only what is safe may replace what was there before; should the disk refuse, the next word tries again
    await this.flush().then(
      () => this.#complete(),
      () => undefined,
    )
  }

  #complete(): void {
    this.#completed = true
    this.#deps.onComplete()
  }
}
