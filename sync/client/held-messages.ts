import type { PGliteInterface, Transaction } from '@electric-sql/pglite'
import type { Change } from '../core/fold-changes.ts'
import type { Held } from '../core/staging.ts'
import { isOutlived, newsBeside, type PartSnapshot } from '../core/part.ts'

interface SnapshotRow {
  id: number
  sight: { xmin: string; xmax: string; running: string[] }
  lsn: string
  ids: string[]
}

/** What was held is replaced by `held`, whose rows come from `snapshots`. */
export async function replaceHeld(tx: Transaction, held: Held, snapshots: readonly PartSnapshot[]): Promise<void> {
  await tx.exec('delete from sync_window; delete from sync_chats; delete from sync_snapshots')
  await tx.query('insert into sync_window (since) values ($1)', [held.since])
  await tx.query('insert into sync_chats (chat_id) select unnest($1::uuid[])', [held.chats])
  for (const snapshot of snapshots) await keepSnapshot(tx, snapshot)
}

export async function addChat(
  tx: Transaction,
  chat_id: string,
  snapshots: readonly PartSnapshot[],
  lsn: string | null,
): Promise<void> {
  await tx.query('insert into sync_chats (chat_id) values ($1) on conflict (chat_id) do update set opened_at = now()', [
    chat_id,
  ])
  for (const snapshot of snapshots) if (!isOutlived(snapshot, lsn)) await keepSnapshot(tx, snapshot)
}

async function keepSnapshot(tx: Transaction, { sight, lsn, ids }: PartSnapshot): Promise<void> {
  if (ids.size === 0) return
  const { xmin, xmax, running } = sight
  await tx.query('insert into sync_snapshots (sight, lsn, ids) values ($1, $2, $3)', [
    { xmin: String(xmin), xmax: String(xmax), running: [...running].map(String) },
    lsn,
    [...ids],
  ])
}

/** Changes that are news beside the rows that were read apart. */
export async function withoutOld(tx: Transaction, changes: readonly Change[]): Promise<Change[]> {
  const { rows } = await tx.query<SnapshotRow>('select id, sight, lsn, ids from sync_snapshots')
  return newsBeside(changes, rows.map(snapshotOf))
}

/** Forgets snapshots that the log has passed. */
export async function forgetOutlived(tx: Transaction, lsn: string | null): Promise<void> {
  const { rows } = await tx.query<SnapshotRow>('select id, sight, lsn, ids from sync_snapshots')
  const gone = rows.filter((row) => isOutlived(row, lsn)).map((row) => row.id)
  if (gone.length > 0) await tx.query('delete from sync_snapshots where id = any($1)', [gone])
}

/**
 * The log tells of all messages: of those that it made, what is not held goes. What somebody writes here stays, however
 * long it has waited: its chat is completed later.
 */
export async function dropUnheld(tx: Transaction, changes: readonly Change[]): Promise<void> {
  const made = changes.flatMap(({ op, row }) => (op === 'insert' && row['id'] ? [row['id']] : []))
  if (made.length === 0) return
  await tx.query(
    `delete from chat_messages_synced m where m.id = any($1::uuid[])
      and m.created_at < (select since from sync_window)
      and not exists (select 1 from sync_chats h where h.chat_id = m.chat_id)
      and not exists (select 1 from chat_messages_local l where l.chat_id = m.chat_id)`,
    [made],
  )
}

/** Whether every message of a chat is here. A chat that the server does not know yet is. */
export async function isWhole(pg: PGliteInterface, chat_id: string): Promise<boolean> {
  const { rows } = await pg.query<{ whole: boolean }>(
    `select exists (select 1 from sync_chats where chat_id = $1)
      or not exists (select 1 from chats_synced c join sync_window w on c.created_at < w.since where c.id = $1) as whole`,
    [chat_id],
  )
  return rows[0]?.whole ?? false
}

export async function noteOpened(pg: PGliteInterface, chat_id: string): Promise<void> {
  await pg.query(
    "update sync_chats set opened_at = now() where chat_id = $1 and opened_at < now() - interval '1 hour'",
    [chat_id],
  )
}

/** Chats of which a part is here: older than the window, with messages in it. The latest first. */
export async function tornChats(pg: PGliteInterface, limit: number): Promise<string[]> {
  const { rows } = await pg.query<{ id: string }>(
    `select c.id from chats_synced c join sync_window w on c.created_at < w.since
      join chat_messages_synced m on m.chat_id = c.id
      where c.status <> 'deleted' and not exists (select 1 from sync_chats h where h.chat_id = c.id)
      group by c.id order by max(m.created_at) desc limit $1`,
    [limit],
  )
  return rows.map(({ id }) => id)
}

/** Chats that were opened last. */
export async function openedChats(pg: PGliteInterface, limit: number): Promise<string[]> {
  const { rows } = await pg.query<{ chat_id: string }>(
    'select chat_id from sync_chats order by opened_at desc limit $1',
    [limit],
  )
  return rows.map(({ chat_id }) => chat_id)
}

/**
 * Moves the window on to `since` and lets go of chats: all but those in `kept`, the `most` that were opened last, and
 * those with messages in the window. Chats that were whole by their age stay so by name. Answers with how many rows
 * went.
 */
export async function trimHeld(
  pg: PGliteInterface,
  { since, kept, most }: { since: string; kept: readonly string[]; most: number },
): Promise<number> {
  return pg.transaction(async (tx) => {
    await tx.query(
      `insert into sync_chats (chat_id) select c.id from chats_synced c, sync_window w
        where c.created_at >= w.since and c.created_at < $1
          and exists (select 1 from chat_messages_synced m where m.chat_id = c.id and m.created_at >= $1)
        on conflict (chat_id) do nothing`,
      [since],
    )
    await tx.query('update sync_window set since = $1 where since < $1', [since])
    await tx.query(
      `delete from sync_chats h where h.chat_id <> all($2::uuid[])
        and not exists (select 1 from chat_messages_synced m where m.chat_id = h.chat_id and m.created_at >= $1)
        and h.chat_id not in (select chat_id from sync_chats order by opened_at desc limit $3)`,
      [since, kept, most],
    )
    const { affectedRows } = await tx.query(
      `delete from chat_messages_synced m where m.created_at < (select since from sync_window)
        and not exists (select 1 from sync_chats h where h.chat_id = m.chat_id)`,
    )
    return affectedRows ?? 0
  })
}

function snapshotOf({ sight, lsn, ids }: SnapshotRow): PartSnapshot {
  const { xmin, xmax, running } = sight
  return {
    sight: { xmin: BigInt(xmin), xmax: BigInt(xmax), running: new Set(running.map(BigInt)) },
    lsn,
    ids: new Set(ids),
  }
}
