import { awaitsAck, coveredBy, lagging, settled, type ShapeCursor } from '../core/settlement.ts'
import type { Batch } from '../core/staging.ts'
import { SHAPE_NAMES, SHAPES } from '../protocol/shapes.ts'
import { heldBack, restsOnHeld } from '../core/hold.ts'
import type { Effect } from '../core/pending.ts'
import type { DeviceStore } from './device-store.ts'
import { serverNow } from './device.ts'
import { bury, readOutbox } from './outbox.ts'
import type { Feeds } from './feeds.ts'
import type { Health } from './health.ts'
import type { Replica } from './replica.ts'
import type { Serial } from './serial.ts'
import { isFull } from './storage-trouble.ts'

interface Settled {
  /** Mutations left the outbox. */
  left: boolean
  /** Some of them were refused. */
  refused: boolean
  /** Tables whose visible rows changed. */
  tables: string[]
}

export interface SettlerDeps {
  db: DeviceStore
  serial: Serial
  feeds: Pick<Feeds, 'allFresh' | 'refresh'>
  health: Health
  device_id: string
  replica: () => Replica | undefined
  /** A replica is being opened: what is on its disk is not known yet. */
  opening: () => boolean
  /** What waits in the outbox has changed. */
  onLeft: () => void
  /** What people see of these tables may have changed. */
  onChanged: (tables: readonly string[]) => void
}

/** What usually arrives together gets this long before a shape that lags is asked, ms. */
const REFRESH_GRACE_MS = 150

/** Brings outbox, overlay and shapes into step, and says when they are. */
export class Settler {
  readonly #deps: SettlerDeps
  #timer: ReturnType<typeof setTimeout> | undefined
  #asking = 0
  #stopped = false

  constructor(deps: SettlerDeps) {
    this.#deps = deps
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  noteAcks(batch: Pick<Batch, 'changes' | 'lsn'>): Promise<void> {
    return noteAcks(this.#deps.db, this.#deps.device_id, batch)
  }

  /** Lets go of what is settled and tells who watches. Rows of `tables` have changed already. Never throws. */
  async settle(tables: readonly string[] = []): Promise<void> {
    const { db, serial, health, device_id, replica, opening } = this.#deps
    if (this.#stopped) return
    const result = await serial
      .run(() => settle(db, device_id, replica(), opening()))
      .catch((error: unknown) => (isFull(error) ? 'device/full' : 'sync/replica'))
    if (this.#stopped) return
    if (typeof result === 'string') return health.problem(result)
    health.solved('device/full')
    if (result.refused) health.problem('sync/refused')
    if (result.left) this.#deps.onLeft()
    const changed = [...new Set([...tables, ...result.tables])]
    if (changed.length > 0) this.#deps.onChanged(changed)
    await this.judge().catch(() => undefined)
  }

  /** Are we there? If not, which shapes should be asked? */
  async judge(): Promise<void> {
    const { db, feeds, health } = this.#deps
    if (this.#stopped) return
    const outbox = await readOutbox(db)
    const held = heldBack(outbox, await serverNow(db))
    this.#tellAsking(held.asks.size)
    if (restsOnHeld(outbox, held) && feeds.allFresh) health.caughtUp()
    else health.behind()
    if ((await db.dead.count()) === 0) health.solved('sync/refused')
    if (this.#timer || lagging(outbox, this.#cursors()).length === 0) return
    this.#timer = setTimeout(() => void this.#refreshLagging().catch(() => undefined), REFRESH_GRACE_MS)
  }

  #tellAsking(asking: number): void {
    const { health, onLeft } = this.#deps
    if (asking === this.#asking) return
    this.#asking = asking
    if (asking > 0) health.problem('sync/asking')
    else health.solved('sync/asking')
    onLeft()
  }

  async #refreshLagging(): Promise<void> {
    this.#timer = undefined
    if (!this.#stopped) this.#deps.feeds.refresh(lagging(await readOutbox(this.#deps.db), this.#cursors()))
  }

  #cursors(): ShapeCursor[] {
    return [...(this.#deps.replica()?.cursors().values() ?? [])]
  }
}

/** Notes the LSNs that a batch of `acks` gives to this device's mutations. */
async function noteAcks(db: DeviceStore, device_id: string, batch: Pick<Batch, 'changes' | 'lsn'>): Promise<void> {
  const covered = coveredBy(await readOutbox(db), batch.changes, device_id, batch.lsn)
  if (covered.length === 0) return
  await db.atomically(async (tx) => {
    for (const { item, lsn } of covered) await tx.outbox.update(item.seq, { lsn })
  })
}

/** An ack may have been applied and its LSN not noted (a crash between the two); the shape's own stands in for it. */
async function noteOldAck(db: DeviceStore, device_id: string, replica: Replica): Promise<void> {
  const ack = await replica.ack(device_id)
  if (!ack) return
  const row = { device_id, last_seq: String(ack.last_seq) }
  await noteAcks(db, device_id, { changes: [{ op: 'insert', row }], lsn: ack.lsn })
}

/**
 * Lets go of what is settled and makes the overlay anew. Without a replica, the server's answer settles; but not while
 * one is being opened: it may lack what the answer confirms, and must get it from the outbox until its shapes have it.
 */
async function settle(
  db: DeviceStore,
  device_id: string,
  replica: Replica | undefined,
  opening: boolean,
): Promise<Settled> {
  if (!replica && opening) return { left: false, refused: false, tables: await answeredTables(db) }
  const acked = replica?.cursors().get('acks')?.lsn
  if (replica && acked && (await readOutbox(db)).some((item) => item.outcome && awaitsAck(item, acked)))
    await noteOldAck(db, device_id, replica)
  const cursors: ShapeCursor[] = replica ? [...replica.cursors().values()] : []
  const leaving = settled(await readOutbox(db), cursors, SHAPES.acks.table)
  const refused = leaving.flatMap((item) =>
    item.outcome?.status === 'rejected' ? [{ id: item.id, error: item.outcome.error }] : [],
  )
  // What leaves the outbox must be safe in the replica: commits there are written behind, and a page that closes now
  // and opens again without the server would otherwise miss what its person has seen confirmed.
  if (replica && leaving.length > 0) await replica.flush()
  await bury(db, refused)
  await db.outbox.bulkDelete(leaving.map((item) => item.seq))
  const result = { left: leaving.length > 0, refused: refused.length > 0 }
  if (!replica) return { ...result, tables: leaving.length > 0 ? ALL_TABLES : [] }
  const { tables, effects } = await replica.rebase(await readOutbox(db))
  await noteEffects(db, effects)
  return { ...result, tables }
}

async function noteEffects(db: DeviceStore, effects: ReadonlyMap<string, Effect>): Promise<void> {
  if (effects.size === 0) return
  await db.atomically(async (tx) => {
    for (const [id, effect] of effects) {
      const item = await tx.outbox.get({ id })
      if (item) await tx.outbox.update(item.seq, { effect })
    }
  })
}

const ALL_TABLES = SHAPE_NAMES.map((name) => SHAPES[name].table)

/** What readers of the server should ask again: everything, once the server has answered something. */
async function answeredTables(db: DeviceStore): Promise<string[]> {
  return (await readOutbox(db)).some((item) => item.outcome) ? ALL_TABLES : []
}
