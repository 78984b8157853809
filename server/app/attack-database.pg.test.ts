import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ActorCache, createAuth, createSessions } from '../identity/index.ts'
import { openDatabase, openPool } from '../kernel/db.ts'
import { createLog } from '../kernel/log.ts'
import { startEmbeddedPostgres } from '../kernel/postgres/embedded.ts'
import { createTestDatabase, makeDataDir } from '../kernel/testing/index.ts'

describe('a database in trouble', () => {
  it('without disk or memory makes devices wait, and is not held against what they send', async () => {
    const { url, drop } = await createTestDatabase()
    const db = openDatabase({ url, size: 1, name: 'trouble', log: createLog('silent') })
    for (const code of ['53100', '53200', '58030', '57P03']) {
      const failing = db.query(`do $$ begin raise exception 'trouble' using errcode = '${code}'; end $$`)
      await expect(failing, code).rejects.toMatchObject({
        kind: 'operational',
        code: 'server/unavailable',
        status: 503,
      })
    }
    await db.close()
    await drop()
  })

  it('that cannot be reached is no answer to who somebody is', async () => {
    const log = createLog('silent')
    const url = 'postgres://nobody@127.0.0.1:1/none'
    const pool = openPool({ url, size: 1, name: 'gone', log })
    const db = openDatabase({ url, size: 1, name: 'gone', log })
    const secret = 'a secret that signs the sessions of this test'
    const auth = createAuth({
      pool,
      log,
      secret,
      baseUrl: 'http://127.0.0.1',
      trustedOrigins: () => [],
      secureCookies: false,
      signUpOpen: async () => true,
    })
    const sessions = createSessions(auth, db, new ActorCache())
    const token = 'x'.repeat(32)
    const signature = createHmac('sha256', secret).update(token).digest('base64')
    const cookie = `banyan.session_token=${encodeURIComponent(`${token}.${signature}`)}`
    await expect(sessions.find({ cookie })).rejects.toMatchObject({ code: 'server/unavailable', status: 503 })
    await pool.end()
    await db.close()
  })
})

describe('the database', () => {
  it('is started again on its port when somebody kills it', async () => {
    const dataDir = makeDataDir()
    const postgres = await startEmbeddedPostgres({ dataDir: dataDir.path, log: () => undefined })
    const db = openDatabase({ url: postgres.url, size: 1, name: 'attack', log: createLog('silent') })
    try {
      await db.query('create table kept (n int)')
      await db.query('insert into kept values (1)')
      await db.query('select $1::jsonb', ['["words of a person\\u0000"]']).catch(() => undefined)
      expect(readFileSync(join(dataDir.path, 'postgres/postgres.log'), 'utf8')).not.toContain('words of a person')
      const { pid } = postgres
      process.kill(pid, 'SIGKILL')
      await expect.poll(() => postgres.pid, { timeout: 30_000, interval: 100 }).not.toBe(pid)
      await expect
        .poll(() => db.query('select n from kept').catch(() => undefined), { timeout: 30_000, interval: 250 })
        .toEqual([{ n: 1 }])
    } finally {
      await db.close()
      await postgres.stop()
      dataDir.remove()
    }
  }, 60_000)
})
