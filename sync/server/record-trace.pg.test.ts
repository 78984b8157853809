import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../../shared/kernel/id.ts'
import type { Trace, TracePage } from '../testing/trace.ts'
import { startShapeHarness, textRows, type ShapeHarness } from './testing.ts'

const FILE = new URL('../testing/trace.json', import.meta.url)
const USER = newId()

let harness: ShapeHarness
beforeAll(async () => {
  harness = await startShapeHarness({ limits: { chunkSize: 500 } })
  await harness.db.query("insert into users (id, name, email, roles) values ($1, 'A', 'a@example.com', '{user}')", [
    USER,
  ])
})
afterAll(() => harness.close())

/** Reads from where `pages` end until the shape is up to date; a refusal begins anew. */
async function readOn(pages: TracePage[]): Promise<void> {
  for (let request = 0; request < 50; request++) {
    const last = pages.findLast(({ status }) => status === 200)
    const anew = pages.at(-1)?.status === 409 || !last
    const url = new URL(`${harness.url}/api/sync/shapes/preferences`)
    url.searchParams.set('offset', anew ? '-1' : last.offset)
    if (!anew) url.searchParams.set('handle', last.handle)
    const response = await fetch(url, { headers: { 'x-user': USER } })
    if (response.status === 503) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      continue
    }
    const messages: TracePage['messages'] = JSON.parse(await response.text())
    const { status, headers } = response
    pages.push({
      status,
      handle: headers.get('electric-handle') ?? '',
      offset: headers.get('electric-offset') ?? '',
      messages,
    })
    if (status === 200 && headers.has('electric-up-to-date')) return
  }
  throw new Error(`never up to date: ${JSON.stringify(pages.slice(-4))}`)
}

const set = (key: string, value: string) =>
  `insert into preferences (user_id, key, value, hlc) values ('${USER}', '${key}', '"${value}"', 'h')
   on conflict (user_id, key) do update set value = excluded.value;`

/** Waits until the shape server has noticed the last statements. */
async function written(sql: string, pages: TracePage[], seen: (pages: TracePage[]) => boolean): Promise<void> {
  await harness.db.query(sql)
  const deadline = Date.now() + 10_000
  for (;;) {
    const tried = [...pages]
    await readOn(tried)
    if (seen(tried.slice(pages.length))) return void pages.push(...tried.slice(pages.length))
    if (Date.now() > deadline) throw new Error(`nothing came of ${sql}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const hasRows = (pages: TracePage[]) => pages.some(({ messages }) => messages.some(({ value }) => value))
const isAnew = (pages: TracePage[]) => pages.some(({ status }) => status === 409) && hasRows(pages)

/** What a reader is told, without what differs from run to run. */
const outline = (pages: readonly TracePage[]) =>
  pages.flatMap(({ status, messages }) =>
    status === 409 ? ['409'] : messages.flatMap(({ headers }) => headers.operation ?? headers.control ?? ''),
  )

test('the recorded trace is what this server says: snapshot, log, rotation; shapes are read again after a column has changed its type', async () => {
  const pages: TracePage[] = []
  await harness.db.query(['a', 'b', 'c', 'd'].map((key) => set(key, `first ${key}`.padEnd(200, '.'))).join(''))
  await readOn(pages)
  await written(
    `begin; ${set('a', 'second')} ${set('e', 'new')} delete from preferences where key = 'b'; commit;`,
    pages,
    hasRows,
  )
  await written(`begin; ${set('e', 'newer')} ${set('b', 'back')} commit; ${set('a', 'third')}`, pages, hasRows)
  await written(`begin; truncate preferences; ${set('c', 'after')} commit;`, pages, isAnew)
  await written(set('f', 'later'), pages, hasRows)
  await written(`alter table preferences alter column hlc type text; ${set('g', 'last')}`, pages, isAnew)
  await written(`${set('c', 'end')} delete from preferences where key = 'f';`, pages, hasRows)
  const rows = await textRows(harness.db, 'select key, value::text as value from preferences order by key')
  const recorded: Trace = { rows, pages }
  if (process.env['UPDATE_TRACES'] === '1') writeFileSync(FILE, `${JSON.stringify(recorded, null, 2)}\n`)
  const trace: Trace = JSON.parse(readFileSync(FILE, 'utf8'))
  expect([...new Set(outline(pages))].sort()).toEqual([...new Set(outline(trace.pages))].sort())
  expect(rows).toEqual(trace.rows)
}, 60_000)
