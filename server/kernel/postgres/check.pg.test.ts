import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { ConfigurationError } from '../configuration-error.ts'
import { createTestDatabase, type TestDatabase } from '../testing/index.ts'
import { checkDatabase } from './check.ts'
import { startEmbeddedPostgres } from './embedded.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase({ empty: true })
})

afterAll(() => database.drop())

test('a database that can serve us passes', async () => {
  await expect(checkDatabase(database.url)).resolves.toBeUndefined()
})

test('a role without REPLICATION is told the ALTER ROLE', async () => {
  const role = 'plain "owner"'
  const url = new URL(database.url)
  url.username = encodeURIComponent(role)
  url.password = 'secret'
  await admin(`create role ${pg.escapeIdentifier(role)} login password 'secret'`)
  try {
    expect((await failure(url.href)).en).toMatch(/ALTER ROLE "plain ""owner""" REPLICATION/)
  } finally {
    await admin(`drop role ${pg.escapeIdentifier(role)}`)
  }
})

test('a wrong password, a missing database, a dead host and a broken address each get their sentence, without the password', async () => {
  const change = (edit: (url: URL) => void): string => {
    const url = new URL(database.url)
    edit(url)
    return url.href
  }
  const wrongPassword = change((url) => {
    url.password = 'geheim'
  })
  const noDatabase = change((url) => {
    url.pathname = '/nowhere'
  })
  const port = await closedPort()
  const nobody = `postgres://u:geheim@127.0.0.1:${port}/b`
  const sentences = await Promise.all([wrongPassword, noDatabase, nobody, 'postgres://u:geheim@[::/b'].map(failure))
  expect(sentences.map((sentence) => sentence.en.replaceAll(/\d+\.\d+\.\d+\.\d+:\d+/g, 'host'))).toEqual([
    expect.stringMatching(/refused the sign-in/),
    expect.stringMatching(/nowhere does not exist/),
    expect.stringMatching(/cannot be reached .*ECONNREFUSED/),
    expect.stringMatching(/not a valid Postgres address/),
  ])
  for (const { message } of sentences) expect(message).not.toContain('geheim')
})

test('a database in another encoding is refused', async () => {
  const url = new URL(database.url)
  url.pathname = '/latin'
  await admin(`create database latin encoding 'LATIN1' locale_provider libc locale 'C' template template0`)
  try {
    expect((await failure(url.href)).zh).toMatch(/编码是 LATIN1/)
  } finally {
    await admin('drop database latin with (force)')
  }
})

test('a Postgres without logical decoding is told the setting', async () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'banyan-replica-'))
  chmodSync(dataDir, 0o711)
  const postgres = await startEmbeddedPostgres({
    dataDir,
    log: () => undefined,
    settings: { wal_level: 'replica', fsync: 'off' },
  })
  try {
    expect((await failure(postgres.url)).en).toMatch(/wal_level = replica.*ALTER SYSTEM SET wal_level = 'logical'/)
  } finally {
    await postgres.stop()
    rmSync(dataDir, { recursive: true })
  }
})

async function failure(url: string): Promise<ConfigurationError> {
  try {
    await checkDatabase(url)
  } catch (error) {
    if (error instanceof ConfigurationError) return error
    throw error
  }
  throw new Error('was accepted')
}

async function admin(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('adminUrl') })
  await client.connect()
  await client.query(sql)
  await client.end()
}

async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((done) => server.close(done))
  return typeof address === 'object' && address ? address.port : 1
}
