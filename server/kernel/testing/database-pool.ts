import { openDatabase, type Database } from '../db.ts'
import { createLog } from '../log.ts'
import { createTestDatabase } from './database.ts'

/** A migrated database of this test file's own, with a pool on it. */
export async function openTestDatabase(): Promise<{ db: Database; url: string; drop: () => Promise<void> }> {
  const test = await createTestDatabase()
  const db = openDatabase({ url: test.url, size: 8, name: 'test', log: createLog('silent') })
  return {
    db,
    url: test.url,
    drop: async () => {
      await db.close()
      await test.drop()
    },
  }
}
