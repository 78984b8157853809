import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MUTATORS } from '../../shared/registry.ts'
import { SHAPE_NAMES } from '../protocol/shapes.ts'
import { ageOutbox } from '../testing/age-outbox.ts'
import { browserHarness, hasChromium, offline, type BrowserHarness } from '../testing/browser.ts'
import { ModelServer } from '../testing/model-server.ts'
import { idOf } from '../testing/pending.ts'

const USER = idOf(1)
const CHAT = idOf(10)
const IN_STEP = "page.store.status.state === 'synced' && page.store.status.pending === 0"

/** One story in order: what a person may do with what has not reached the server. */
describe.skipIf(!hasChromium)('an outbox in a browser', () => {
  const model = new ModelServer(USER, MUTATORS)
  let browser: BrowserHarness
  let tab: Page

  beforeAll(async () => {
    const at = new Date().toISOString()
    const row = {
      id: CHAT,
      user_id: USER,
      agent_id: idOf(900),
      agent_version_id: idOf(901),
      title: 'chat',
      context: {},
    }
    const rest = { status: 'active', expires_at: null, source: 'app', pinned: false, field_clock: {}, deleted_at: null }
    model.write([{ op: 'insert', table: 'chats', row: { ...row, ...rest, created_at: at, updated_at: at } }])
    browser = await browserHarness(model)
    tab = await browser.open()
    await browser.until(tab, `page.store.status.mode === 'replica' && ${IN_STEP}`)
  })
  afterAll(() => browser?.close())

  /** Sends a message below an answer (or as the first); the ids are `from` and the two after it. */
  const send = (from: number, below: string | null) =>
    tab.evaluate(([chat, ids, parent]) => window.page?.send(chat, ids, `message ${ids[0].slice(-4)}`, parent), [
      CHAT,
      [idOf(from), idOf(from + 1), idOf(from + 2)] as [string, string, string],
      below,
    ] as const)
  const queued = () =>
    tab.evaluate(async () => (await window.page?.store.outbox.queued())?.map(({ name, state }) => [name, state]))
  const refused = () => tab.evaluate(async () => (await window.page?.store.outbox.rejected()) ?? [])
  const mutationOf = (message: number) =>
    tab.evaluate((id) => window.page?.store.outbox.asking().get(id) ?? '', idOf(message))
  const questions = () => model.rows('chat_messages').flatMap((row) => (row['role'] === 'user' ? [row['id']] : []))

  const age = (message: number) => tab.evaluate(ageOutbox, { user: USER, message: idOf(message) })

  test('keeps the contract of device stores, and so does the one that stands in for it in tests', async () => {
    const broken = await tab.evaluate(() => window.page?.brokenPromises())
    expect(broken).toEqual({ indexedDb: [], memory: [] })
  })

  test('what starts a run asks after a day; what follows it waits, everything else is sent (I16)', async () => {
    await offline(browser.context, true)
    await send(100, null)
    await send(110, idOf(101))
    await tab.evaluate((id) => window.page?.rename(id, 'renamed offline'), CHAT)
    await age(100)
    await offline(browser.context, false)
    await tab.reload()
    await browser.until(tab, "page.store.status.asking === 1 && page.store.status.problem === 'sync/asking'")
    await expect.poll(() => model.row('chats', { id: CHAT })?.['title']).toBe('renamed offline')
    await browser.until(tab, 'page.store.status.pending === 2')
    expect(await queued()).toEqual([
      ['message.send', 'asks'],
      ['message.send', 'behind'],
      // it shows behind the message of its chat, so it stays until that has been decided
      ['chat.update', 'sent'],
    ])
    expect(questions()).toEqual([])
  })

  test('a yes sends it and what follows, once and in order', async () => {
    const id = await mutationOf(100)
    await tab.evaluate((mutation) => window.page?.store.outbox.release(mutation), id)
    await browser.until(tab, IN_STEP)
    expect(questions()).toEqual([idOf(100), idOf(110)])
    expect(await queued()).toEqual([])
  })

  test('what is taken back goes to the composer, and what rested on it is kept for its person to judge', async () => {
    await offline(browser.context, true)
    await send(120, idOf(111))
    await send(130, idOf(121))
    await age(120)
    await offline(browser.context, false)
    await tab.reload()
    await browser.until(tab, 'page.store.status.asking === 1')
    const id = await mutationOf(120)
    const back = { chat_id: CHAT, text: 'written again' }
    await tab.evaluate(([mutation, text]) => window.page?.store.outbox.discard(mutation, text), [id, back] as const)
    await browser.until(tab, 'page.store.status.pending === 0 && page.store.status.rejected === 1')
    expect(await tab.evaluate((chat) => window.page?.store.composer.read(chat), CHAT)).toBe('written again')
    expect(await refused()).toMatchObject([{ name: 'message.send', error: { code: 'sync/rested-on-discarded' } }])
    await expect
      .poll(() => tab.evaluate(async () => window.page?.store.query('select count(*)::int as n from v_chat_messages')))
      .toEqual([{ n: 4 }])
  })

  test('a dead letter that is sent again is another mutation; it outlives a reload, and goes when told to (I17)', async () => {
    const [before] = await refused()
    await tab.evaluate((id) => window.page?.store.outbox.retryRejected(id), before?.id ?? '')
    // the message that it answers never came to be
    await browser.until(tab, 'page.store.status.rejected === 1 && page.store.status.pending === 0')
    await tab.reload()
    await browser.until(tab, 'page.store.status.rejected === 1')
    const [after] = await refused()
    expect(after?.error.code).toBe('chat/parent-missing')
    expect(after?.id).not.toBe(before?.id)
    const unsent = await tab.evaluate(async () => window.page?.store.outbox.unsent())
    expect(unsent).toMatchObject({ user_id: USER, queued: [], drafts: [{ chat_id: CHAT, text: 'written again' }] })
    expect(unsent?.rejected).toHaveLength(1)
    await tab.evaluate((id) => window.page?.store.outbox.discardRejected(id), after?.id ?? '')
    await browser.until(tab, `page.store.status.rejected === 0 && ${IN_STEP}`)
    expect(questions()).toEqual([idOf(100), idOf(110)])
  })

  test('one that breaks the server is set aside with those that rest on it, and the others go on', async () => {
    const broken = { status: 500, json: { error: { code: 'server/bug', message: 'bug' } } }
    await browser.context.route('**/api/sync/push', (route) =>
      route.request().postData()?.includes(idOf(140)) ? route.fulfill(broken) : route.continue(),
    )
    await browser.until(tab, "page.store.status.mode === 'replica'")
    await send(140, idOf(111))
    await send(150, idOf(141))
    await tab.evaluate((id) => window.page?.rename(id, 'after the break'), CHAT)
    // instead of ten pauses that double
    const hurry = setInterval(
      () => void tab.evaluate(() => window.page?.store.outbox.hurry()).catch(() => undefined),
      60,
    )
    await browser.until(tab, 'page.store.status.rejected === 2 && page.store.status.pending === 0')
    clearInterval(hurry)
    expect(model.row('chats', { id: CHAT })?.['title']).toBe('after the break')
    const [head, other] = await refused()
    expect([head?.error.code, other?.root]).toEqual(['server/bug', head?.id])
    await browser.context.unroute('**/api/sync/push')
    await tab.evaluate((id) => window.page?.store.outbox.retryRejected(id), head?.id ?? '')
    await browser.until(tab, 'page.store.status.rejected === 0 && page.store.status.pending === 0')
    expect(questions().slice(2)).toEqual([idOf(140), idOf(150)])
  })

  test('tells what is on the device, and how fresh it is', async () => {
    const stock = await tab.evaluate(async () => (await window.page?.store.stock()) ?? [])
    expect(stock.map(({ shape }) => shape).sort()).toEqual([...SHAPE_NAMES].sort())
    const messages = stock.find(({ shape }) => shape === 'messages')
    expect(messages).toMatchObject({ rows: 8, fresh: true })
    expect(messages?.bytes).toBeGreaterThan(0)
    expect(Math.abs(Date.now() - (messages?.fresh_at ?? 0))).toBeLessThan(5000)
  })
})
