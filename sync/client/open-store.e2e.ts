import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MUTATORS } from '../../shared/registry.ts'
import { browserHarness, hasChromium, offline, replicaFiles, type BrowserHarness } from '../testing/browser.ts'
import { ModelServer } from '../testing/model-server.ts'
import { chatRowOf, idOf } from '../testing/pending.ts'

const USER = idOf(1)
const titled = (title: string) => `page.chats.rows.some((row) => row.title === '${title}')`
const IN_STEP = "page.store.status.state === 'synced' && page.store.status.pending === 0"
const LOCAL = "page.store.status.mode === 'replica'"

/** One story in order: each test goes on where the one before stopped. */
describe.skipIf(!hasChromium)('a store in a browser', () => {
  const model = new ModelServer(USER, MUTATORS)
  let browser: BrowserHarness
  let first: Page
  let second: Page

  beforeAll(async () => {
    const at = new Date().toISOString()
    for (let index = 0; index < 5; index++) {
      const row = chatRowOf({ id: idOf(10 + index), user_id: USER, title: `chat ${index}`, at })
      model.write([{ op: 'insert', table: 'chats', row }])
    }
    browser = await browserHarness(model)
  })
  afterAll(() => browser?.close())

  test('the first visit reads from the server and moves to the replica without a gap', async () => {
    first = await browser.open()
    await browser.until(first, 'page.chats.rows.length === 5')
    await browser.until(first, `${LOCAL} && ${IN_STEP}`)
    const shown = await first.evaluate(() => window.page?.shown ?? [])
    expect(shown.every((titles) => titles.length === 5)).toBe(true)
    await expect.poll(async () => (await replicaFiles(first)).databases).toBe(1)
  })

  test('a write shows at once and settles', async () => {
    await first.evaluate((id) => window.page?.rename(id, 'renamed'), idOf(10))
    await browser.until(first, titled('renamed'), 1000)
    await browser.until(first, IN_STEP)
    expect(model.row('chats', { id: idOf(10) })?.['title']).toBe('renamed')
    const shown = await first.evaluate(() => window.page?.shown.map((titles) => titles.includes('renamed')) ?? [])
    expect(shown.slice(shown.indexOf(true)).every(Boolean)).toBe(true)
  })

  test('a second tab shares the engine, and both see what happens elsewhere', async () => {
    second = await browser.open()
    await browser.until(second, `${LOCAL} && page.chats.ready`)
    model.write([{ op: 'update', table: 'chats', key: { id: idOf(11) }, set: { title: 'from elsewhere' } }])
    await Promise.all([browser.until(first, titled('from elsewhere')), browser.until(second, titled('from elsewhere'))])
    expect(browser.http.seen['socket']).toBe(1)
  })

  test('ids of sent messages are pending until the server has them', async () => {
    await second.evaluate(([chat, ids]) => window.page?.send(chat, ids, '你好'), [
      idOf(11),
      [idOf(50), idOf(51), idOf(52)],
    ] as const satisfies [string, [string, string, string]])
    await browser.until(first, IN_STEP)
    expect(await first.evaluate(() => [...(window.page?.store.pendingIds() ?? [])])).toEqual([])
    const rows = await first.evaluate(() => window.page?.store.query('select seq from v_chat_messages order by seq'))
    expect(rows).toEqual([{ seq: 1 }, { seq: 2 }])
  })

  test('what the mutator refuses is refused here, and not queued', async () => {
    const code = await first.evaluate(
      (id) =>
        window.page?.rename(id, 'x').then(
          () => 'done',
          (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
        ),
      idOf(99),
    )
    expect(code).toBe('row/not-found')
    expect(await first.evaluate(() => window.page?.store.status.pending)).toBe(0)
  })

  test('when the leading tab closes, another takes over and nothing is lost', async () => {
    await first.close()
    await second.evaluate((id) => window.page?.rename(id, 'after the leader'), idOf(12))
    await browser.until(second, `${titled('after the leader')} && ${LOCAL} && ${IN_STEP}`)
    expect(model.row('chats', { id: idOf(12) })?.['title']).toBe('after the leader')
  })

  test('with the server dead, a reload shows everything that has settled, and takes writes', async () => {
    await offline(browser.context, true)
    await second.reload()
    await browser.until(second, `page.chats.rows.length === 5 && ${titled('after the leader')} && ${LOCAL}`)
    await second.evaluate((id) => window.page?.rename(id, 'offline'), idOf(13))
    await browser.until(
      second,
      `${titled('offline')} && page.store.status.state === 'offline' && page.store.status.pending === 1`,
    )
    await offline(browser.context, false)
    await browser.until(second, IN_STEP)
    expect(model.row('chats', { id: idOf(13) })?.['title']).toBe('offline')
    // only the very first start asked for the empty replica of the build
    expect(browser.asked.filter((path) => path.startsWith('/assets/replica-'))).toHaveLength(1)
  })

  test('an app that is too old keeps what it has to send, says so, and goes on when it is understood', async () => {
    const outdated = { status: 426, json: { error: { code: 'sync/client-too-old', message: 'update' } } }
    await browser.context.route('**/api/sync/push', (route) => route.fulfill(outdated))
    await second.evaluate((id) => window.page?.rename(id, 'of an old app'), idOf(13))
    await browser.until(
      second,
      `${titled('of an old app')} && page.store.status.state === 'attention'
        && page.store.status.problem === 'sync/client-too-old' && page.store.status.pending === 1`,
    )
    await browser.context.unroute('**/api/sync/push')
    await second.reload()
    await browser.until(second, `${titled('of an old app')} && ${IN_STEP}`)
    expect(model.row('chats', { id: idOf(13) })?.['title']).toBe('of an old app')
  })

  test('a shape that the server has rotated is loaded anew, and the list never empties', async () => {
    await second.evaluate(() => window.page?.shown.splice(0))
    model.rotate('chats')
    model.write([{ op: 'update', table: 'chats', key: { id: idOf(14) }, set: { title: 'rotated' } }])
    await browser.until(second, titled('rotated'))
    const shown = await second.evaluate(() => window.page?.shown ?? [])
    expect(shown.every((titles) => titles.length === 5)).toBe(true)
  })

  test('signing out leaves nothing on the device', async () => {
    await second.evaluate(() => window.page?.store.close({ wipe: true }))
    const left = await second.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))
    expect(left).toEqual([])
    expect(await replicaFiles(second)).toEqual({ files: 0, databases: 0 })
  })
})
