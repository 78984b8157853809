import pg from 'pg'

/** What went wrong with the replication connection, in one sentence that says what to do. Holds no secret. */
export function explainReplicationFailure(error: unknown): string {
  if (!(error instanceof pg.DatabaseError)) return error instanceof Error ? error.message : String(error)
  if (error.code === '42501') {
    return `${error.message}: the database role may not replicate; as a superuser run ALTER ROLE <role> REPLICATION, or set ELECTRIC_URL`
  }
  if (error.code === '55000' && /wal_level/.test(error.message)) {
    return 'the database runs without logical decoding: set wal_level = logical and restart it'
  }
  if (error.code === '53400' || error.code === '53300') {
    return `${error.message}: raise max_replication_slots and max_wal_senders`
  }
  return error.message
}
