import type { Page, Route } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { MUTATORS } from '../../shared/registry.ts'
import { browserHarness, hasChromium, offline, replicaNames, type BrowserHarness } from '../testing/browser.ts'
import { ModelServer } from '../testing/model-server.ts'
import { chatRowOf, idOf } from '../testing/pending.ts'

const USER = idOf(1)
const CHAT = idOf(10)
const keeps = (what: string) => `page.store.status.keeps === '${what}' && !page.store.status.opening`
const titled = (title: string) => `page.chats.rows.some((row) => row.title === '${title}')`
const IN_STEP = "page.store.status.state === 'synced' && page.store.status.pending === 0"
const OFFLINE = "page.store.status.state === 'offline'"

/** What a page finds missing, as code that runs before its own. */
const MISSING = {
  'IndexedDB that refuses': `IDBFactory.prototype.open = () => { throw new DOMException('refused', 'SecurityError') }`,
  'IndexedDB that fails': `IDBFactory.prototype.open = () => {
    const request = new EventTarget()
    setTimeout(() => {
      request.error = new DOMException('internal error', 'UnknownError')
      request.onerror?.({ target: request, preventDefault() {}, stopPropagation() {} })
    })
    return request
  }`,
  'no BroadcastChannel': 'delete globalThis.BroadcastChannel',
  'no locks': 'delete Navigator.prototype.locks',
}

/** The same for the engine's worker: files may be kept nowhere. */
const NO_FILES = `
  StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException('refused', 'SecurityError'))
  const open = IDBFactory.prototype.open
  IDBFactory.prototype.open = function (name, ...rest) {
    if (name.includes('pglite')) throw new DOMException('refused', 'SecurityError')
    return open.call(this, name, ...rest)
  }
`

/** Writes are refused while a channel says so. */
const FULL_AT_TIMES = `
  let full = false
  new BroadcastChannel('full').addEventListener('message', ({ data }) => (full = data))
  const writers = [[IDBObjectStore.prototype, ['add', 'put']], [FileSystemSyncAccessHandle.prototype, ['write']]]
  for (const [owner, names] of writers) for (const name of names) {
    const real = owner[name]
    owner[name] = function (...given) {
      if (full) throw new DOMException('no room', 'QuotaExceededError')
      return real.apply(this, given)
    }
  }
`

/** One story in order: each test goes on where the one before stopped. */
describe.skipIf(!hasChromium)('a browser that gives less than everything', () => {
  const model = new ModelServer(USER, MUTATORS)
  let browser: BrowserHarness
  let tab: Page

  beforeAll(async () => {
    const at = new Date().toISOString()
    model.write([{ op: 'insert', table: 'chats', row: chatRowOf({ id: CHAT, user_id: USER, title: 'chat', at }) }])
    browser = await browserHarness(model)
  })
  afterEach(async () => {
    await tab.close()
    await browser.context.unrouteAll()
  })
  afterAll(() => browser?.close())

  const rename = (title: string) =>
    tab.evaluate(
      ([id, text]) =>
        window.page?.rename(id, text).then(
          () => 'done',
          (error: unknown) => (error instanceof Error && 'code' in error ? error.code : String(error)),
        ),
      [CHAT, title] as const,
    )
  const onServer = () => model.row('chats', { id: CHAT })?.['title']

  test.each(Object.keys(MISSING) as (keyof typeof MISSING)[])(
    'with %s the server is asked, and a change is done when it has said so',
    async (what) => {
      tab = await browser.open(MISSING[what])
      await browser.until(tab, `page.chats.ready && ${keeps('nothing')}`)
      expect(await rename(`with ${what}`)).toBe('done')
      expect(onServer()).toBe(`with ${what}`)
      await browser.until(tab, titled(`with ${what}`))
    },
  )

  test('where nothing is kept and the server is away, a change is refused, what is shown stays, and it heals (I32)', async () => {
    tab = await browser.open(MISSING['IndexedDB that refuses'])
    await browser.until(tab, 'page.chats.rows.length === 1')
    const before = onServer()
    await offline(browser.context, true)
    expect(await rename('in the tunnel')).toBe('device/keeps-nothing')
    await browser.until(tab, `${OFFLINE} && page.chats.rows.length === 1`)
    await offline(browser.context, false)
    expect(onServer()).toBe(before)
    expect(await rename('after the tunnel')).toBe('done')
    model.write([{ op: 'update', table: 'chats', key: { id: CHAT }, set: { title: 'from elsewhere' } }])
    await browser.until(tab, titled('from elsewhere'))
  })

  test('where no file may be kept the replica lives as long as the session', async () => {
    await browser.context.route('**/assets/worker-*.js', (route) => withFirst(route, NO_FILES))
    tab = await browser.open()
    await browser.until(tab, `page.store.status.mode === 'replica' && ${keeps('session')} && ${IN_STEP}`)
    await offline(browser.context, true)
    expect(await rename('kept all the same')).toBe('done')
    await browser.until(tab, titled('kept all the same'))
    await tab.reload()
    await browser.until(tab, 'page.store.status.pending === 1')
    await offline(browser.context, false)
    await browser.until(tab, `${keeps('session')} && ${IN_STEP} && ${titled('kept all the same')}`)
    expect(onServer()).toBe('kept all the same')
  })

  test('a database program that cannot start costs no replica; what is written waits in the outbox (I33)', async () => {
    tab = await browser.open()
    await browser.until(tab, `${keeps('all')} && ${IN_STEP}`)
    await tab.waitForTimeout(1000)
    const names = await replicaNames(tab)
    await browser.context.route('**/*.wasm', (route) => route.abort())
    await offline(browser.context, true)
    await tab.reload()
    await browser.until(tab, keeps('outbox'))
    expect(await rename('without a database')).toBe('done')
    await browser.until(tab, `${OFFLINE} && page.store.status.pending === 1`)
    expect(await replicaNames(tab)).toEqual(names)
    await browser.context.unroute('**/*.wasm')
    await tab.reload()
    await browser.until(tab, `${keeps('all')} && ${titled('without a database')}`)
    await offline(browser.context, false)
    await browser.until(tab, IN_STEP)
    expect(onServer()).toBe('without a database')
  })

  test('a device that is full says so, shows what comes all the same, and goes on when there is room (I34)', async () => {
    await browser.context.route('**/assets/worker-*.js', (route) => withFirst(route, FULL_AT_TIMES))
    tab = await browser.open()
    await browser.until(tab, `${keeps('all')} && ${IN_STEP}`)
    const full = (now: boolean) => tab.evaluate((value) => new BroadcastChannel('full').postMessage(value), now)
    await full(true)
    const before = onServer()
    expect(await rename('there is no room for this')).toBe('device/full')
    expect(onServer()).toBe(before)
    model.write([{ op: 'update', table: 'chats', key: { id: CHAT }, set: { title: 'from elsewhere, full' } }])
    await browser.until(tab, titled('from elsewhere, full'))
    await full(false)
    expect(await rename('room again')).toBe('done')
    await browser.until(tab, `${IN_STEP} && ${titled('room again')}`)
    expect(onServer()).toBe('room again')
    // what was written half-way is built anew, and is safe a moment later
    await browser.until(tab, `${keeps('all')} && ${IN_STEP} && ${titled('room again')}`)
    await tab.waitForTimeout(2000)
    await offline(browser.context, true)
    await tab.reload()
    await browser.until(tab, `${keeps('all')} && ${titled('room again')}`)
    await offline(browser.context, false)
    await browser.until(tab, IN_STEP)
  })

  test('a device that is full when the app starts, without the server, shows what it holds (I34)', async () => {
    await browser.context.route('**/assets/worker-*.js', (route) =>
      withFirst(route, FULL_AT_TIMES.replace('full = false', 'full = true')),
    )
    await offline(browser.context, true)
    tab = await browser.open()
    await browser.until(tab, `page.store.status.mode === 'replica' && ${titled('room again')}`)
    expect(await rename('still no room')).toBe('device/full')
    await offline(browser.context, false)
  })

  test('without a worker the page is its own engine: no replica, but an outbox', async () => {
    tab = await browser.open('delete globalThis.Worker')
    await browser.until(tab, `page.chats.ready && ${keeps('outbox')}`)
    await offline(browser.context, true)
    expect(await rename('without a worker')).toBe('done')
    await browser.until(tab, 'page.store.status.pending === 1')
    await offline(browser.context, false)
    await browser.until(tab, `${IN_STEP} && ${titled('without a worker')}`)
    expect(onServer()).toBe('without a worker')
  })
})

/** Answers with the script that was asked for, and runs `code` before it. */
async function withFirst(route: Route, code: string): Promise<void> {
  const response = await route.fetch()
  await route.fulfill({ response, body: `{${code}}\n${await response.text()}` })
}
