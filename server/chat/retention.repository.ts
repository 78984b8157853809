import type { Queryable } from '../kernel/db.ts'
import { prepared } from '../kernel/statement.ts'

/**
 * Deletes up to `most` chats whose time is over, with everything that hangs on them; returns how many went. One with a
 * run in the queue waits for the run's end. Several processes may do this at once.
 */
export async function deleteExpiredChats(db: Queryable, most: number): Promise<number> {
  const [row] = await db.query<{ gone: number }>(
    prepared(
      `with expired as (
         select c.id from chats c
         where c.expires_at < now() and not exists (
           select from workflow_executions e join run_queue q on q.execution_id = e.execution_id where e.chat_id = c.id)
         order by c.expires_at limit $1::int for update of c skip locked
       ), gone as (delete from chats c using expired x where c.id = x.id returning 1)
       select count(*)::int as gone from gone`,
      [most],
    ),
  )
  return row?.gone ?? 0
}
