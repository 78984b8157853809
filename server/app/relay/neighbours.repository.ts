import type { Database } from '../../kernel/db.ts'

/** Says something to all processes that listen. */
export async function announce(db: Database, channel: string, payload: string): Promise<void> {
  await db.query('select pg_notify($1, $2)', [channel, payload])
}

/** The address that our connections come from, as the database sees it; undefined over a local socket. */
export async function clientAddress(db: Database): Promise<string | undefined> {
  const [row] = await db.query<{ address: string | null }>('select host(inet_client_addr()) as address')
  return row?.address ?? undefined
}
