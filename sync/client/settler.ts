import { coveredBy, settled, type ShapeCursor } from '../core/settlement.ts'
import { SHAPE_NAMES, SHAPES } from '../protocol/shapes.ts'
import type { DeviceDb } from './device-db.ts'
import { bury, readOutbox } from './outbox.ts'
import type { Replica } from './replica.ts'
import type { Batch } from './shape-feed.ts'

export interface Settled {
  /** Mutations left the outbox. */
  left: boolean
  /** Some of them were refused. */
  refused: boolean
  /** Tables whose visible rows changed. */
  tables: string[]
}

/** Notes the LSNs that a batch of `acks` gives to this device's mutations. */
export async function noteAcks(db: DeviceDb, device_id: string, batch: Pick<Batch, 'changes' | 'lsn'>): Promise<void> {
  const covered = coveredBy(await readOutbox(db), batch.changes, device_id, batch.lsn)
  if (covered.length === 0) return
  await db.transaction('rw', db.outbox, async () => {
    for (const { item, lsn } of covered) await db.outbox.update(item.seq, { lsn })
  })
}

/** An ack may have been applied and its LSN not noted (a crash between the two); the shape's own stands in for it. */
async function noteOldAck(db: DeviceDb, device_id: string, replica: Replica): Promise<void> {
  const ack = await replica.ack(device_id)
  if (!ack) return
  const row = { device_id, last_seq: String(ack.last_seq) }
  await noteAcks(db, device_id, { changes: [{ op: 'insert', row }], lsn: ack.lsn })
}

/** Lets go of what is settled and makes the overlay anew. Without a replica, the server's answer settles. */
export async function settle(db: DeviceDb, device_id: string, replica: Replica | undefined): Promise<Settled> {
  if (replica && (await readOutbox(db)).some((item) => item.outcome && item.lsn === undefined)) await noteOldAck(db, device_id, replica)
  const cursors: ShapeCursor[] = replica ? [...replica.cursors().values()] : []
  const leaving = settled(await readOutbox(db), cursors, SHAPES.acks.table)
  const refused = leaving.flatMap((item) =>
    item.outcome?.status === 'rejected' ? [{ id: item.id, error: item.outcome.error }] : [],
  )
  await bury(db, refused)
  await db.outbox.bulkDelete(leaving.map((item) => item.seq))
  const result = { left: leaving.length > 0, refused: refused.length > 0 }
  if (!replica) return { ...result, tables: leaving.length > 0 ? SHAPE_NAMES.map((name) => SHAPES[name].table) : [] }
  const { tables, effects } = await replica.rebase(await readOutbox(db))
  for (const [id, effect] of effects) await db.outbox.where({ id }).modify({ effect })
  return { ...result, tables }
}
