import pg from 'pg'
import type { LogOrigin } from '../storage/records.ts'
import { LOG_FORMAT } from '../storage/records.ts'
import { parseLsn } from './lsn.ts'

/** How the stream keeps its place: not at all, or in a slot that outlives the process. */
export type SlotKind = 'temporary' | 'durable'

/** What a replication connection finds on the server. */
export interface SlotFacts {
  origin: LogOrigin
  name: string
  /** Transactions before this LSN are acknowledged. Undefined: no slot, or one whose log the server has thrown away. */
  confirmed: bigint | undefined
}

/** One slot a database: of two servers that would share it, the second is refused by Postgres. */
function slotName(database: number): string {
  return `banyan_sync_${database}`
}

/** Asks on a replication connection. */
export async function findSlot(client: pg.Client, publication: string): Promise<SlotFacts> {
  const system = await client.query<{ systemid: string }>('IDENTIFY_SYSTEM')
  const oid = await client.query<{ oid: string }>(
    'select oid::int8::text as oid from pg_database where datname = current_database()',
  )
  const database = Number(oid.rows[0]?.oid ?? 0)
  const name = slotName(database)
  const found = await client.query<{ confirmed: string | null; lost: boolean }>(
    `select confirmed_flush_lsn::text as confirmed, wal_status = 'lost' as lost from pg_replication_slots
     where slot_name = '${name}' and slot_type = 'logical' and plugin = 'pgoutput' and database = current_database()`,
  )
  const [slot] = found.rows
  const confirmed = slot && !slot.lost && slot.confirmed !== null ? parseLsn(slot.confirmed) : undefined
  const origin = { format: LOG_FORMAT, system: system.rows[0]?.systemid ?? '', database, publication }
  return { origin, name, confirmed }
}

/** Makes the slot anew; returns the LSN from which nothing will be missed. */
export async function makeSlot(client: pg.Client, name: string, kind: SlotKind): Promise<bigint> {
  if (kind === 'durable')
    await client.query(
      `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '${name}'`,
    )
  const how = kind === 'temporary' ? 'TEMPORARY LOGICAL' : 'LOGICAL'
  const { rows } = await client.query<{ consistent_point: string }>(
    `CREATE_REPLICATION_SLOT ${name} ${how} pgoutput NOEXPORT_SNAPSHOT`,
  )
  return parseLsn(rows[0]?.consistent_point ?? '0/0')
}

/** How long `dropSlot` waits for whoever still reads. */
const LAST_READER_MS = 5_000

/** Lets the database forget us: an unread slot makes it keep its whole log. Nothing happens when there is none. */
export async function dropSlot(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'banyan-sync' })
  await client.connect()
  try {
    const deadline = Date.now() + LAST_READER_MS
    // Postgres notices a moment later that a connection is gone.
    while ((await isActive(client)) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
    await client.query(`select pg_drop_replication_slot(slot_name) ${OURS}`)
  } finally {
    await client.end()
  }
}

const OURS = `from pg_replication_slots join pg_database d on d.datname = database
  where database = current_database() and slot_name = 'banyan_sync_' || d.oid`

async function isActive(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ active: boolean }>(`select active ${OURS}`)
  return rows[0]?.active ?? false
}
