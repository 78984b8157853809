import pg from 'pg'
import type { Tuple } from '../replication/transaction.ts'

export interface RowQuery {
  text: string
  values: string[]
  /** Prepared under this name. */
  name?: string | undefined
}

const asText = { getTypeParser: () => (value: string | Buffer) => value.toString() }

/**
 * Hands over the rows of a query as texts, one by one, as they come. While a promise that `onRow` gave is open nothing
 * more is read from the connection: the database waits for us, and no result is held as a whole.
 */
export async function streamRows(
  db: pg.Pool,
  { text, values, name }: RowQuery,
  onRow: (row: Tuple) => Promise<void> | undefined,
): Promise<void> {
  const client = await db.connect()
  const config: pg.QueryArrayConfig = { text, values, rowMode: 'array', types: asText, ...(name && { name }) }
  try {
    await new Promise<void>((resolve, reject) => {
      const { stream } = client.connection
      let waiting = 0
      let ended = false
      const query = client.query(new pg.Query<Tuple>(config))
      query.on('row', (row) => {
        try {
          const settled = onRow(row)
          if (!settled) return
          waiting += 1
          stream.pause()
          settled.then(() => {
            waiting -= 1
            if (waiting > 0) return
            stream.resume()
            if (ended) resolve()
          }, reject)
        } catch (error) {
          // Thrown here it would be nobody's: we are in the middle of the driver's parser.
          reject(error)
        }
      })
      query.on('error', reject)
      query.on('end', () => (waiting === 0 ? resolve() : (ended = true)))
    })
    client.release()
  } catch (error) {
    // A query that was left in its middle leaves the connection unusable.
    client.release(!(error instanceof pg.DatabaseError))
    throw error
  }
}
