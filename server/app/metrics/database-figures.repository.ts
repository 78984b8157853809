import type { Queryable } from '../../kernel/db.ts'
import { prepared } from '../../kernel/statement.ts'

/** What the database knows about the installation at this moment. */
export interface DatabaseFigures extends Record<string, unknown> {
  /** Runs that wait for a worker, that wait for another run, and that a worker holds. */
  waiting: number
  blocked: number
  leased: number
  /** Seconds since the run that waits longest could have begun. */
  oldest: number
  /** Bytes of the log that no reader has confirmed, and that are kept for readers; 0 without a slot. */
  lag: number
  retained: number
}

/** Slots are ours by their name's beginning; of several the one that is furthest behind counts. */
export async function databaseFigures(db: Queryable): Promise<DatabaseFigures | undefined> {
  const [figures] = await db.query<DatabaseFigures>(
    prepared(
      `select q.*, s.* from (
         select count(*) filter (where lease_owner is null and blocked_by is null)::int as waiting,
           count(*) filter (where lease_owner is null and blocked_by is not null)::int as blocked,
           count(*) filter (where lease_owner is not null)::int as leased,
           coalesce(extract(epoch from now() - min(run_at) filter (
             where lease_owner is null and blocked_by is null and run_at <= now())), 0)::float8 as oldest
         from run_queue) q,
       (select coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)), 0)::float8 as lag,
           coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)::float8 as retained
         from pg_replication_slots where database = current_database() and slot_name like 'banyan%') s`,
      [],
    ),
  )
  return figures
}
