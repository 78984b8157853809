import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDatabase, type Database } from '../kernel/db.ts'
import { createLog } from '../kernel/log.ts'
import { createTestDatabase, type TestDatabase } from '../kernel/testing/database.ts'
import { DatabaseHealth } from './database-health.ts'

let database: TestDatabase
let db: Database
const health = new DatabaseHealth(300)
beforeAll(async () => {
  database = await createTestDatabase()
  const log = createLog('silent')
  db = openDatabase({ url: database.url, size: 2, name: 'test', log, onTrouble: (reason) => health.note(reason) })
})
afterAll(async () => {
  await db.close()
  await database.drop()
})

/** As Postgres does when it cannot extend a file. */
const fail = (sqlstate: string) =>
  db.query(`do $$ begin raise exception 'No space left on device' using errcode = '${sqlstate}'; end $$`)

it('is up while the database answers and can write', async () => {
  expect(await health.status(db)).toEqual({ state: 'up' })
})

it('is down with the reason when a statement fails for want of disk, and up again when none fails any more', async () => {
  await expect(fail('53100')).rejects.toMatchObject({ code: 'server/unavailable' })
  expect(await health.status(db)).toEqual({ state: 'down', reason: 'No space left on device' })
  await expect.poll(() => health.status(db), { interval: 50 }).toEqual({ state: 'up' })
})

it('does not mind statements that fail for what they say', async () => {
  await expect(fail('22012')).rejects.toThrow()
  expect(await health.status(db)).toEqual({ state: 'up' })
})
