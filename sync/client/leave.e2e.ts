import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MUTATORS } from '../../shared/registry.ts'
import { browserHarness, hasChromium, replicaFiles, type BrowserHarness } from '../testing/browser.ts'
import { rendererOf } from '../testing/processes.ts'
import { ModelServer } from '../testing/model-server.ts'
import { chatRowOf, idOf } from '../testing/pending.ts'

const USER = idOf(1)
const CHAT = idOf(10)
const IN_STEP =
  "page.store.status.mode === 'replica' && page.store.status.state === 'synced' && page.store.status.pending === 0"
const titled = (title: string) => `page.chats.rows.some((row) => row.title === '${title}')`

/** A frozen tab is waited for again and again. */
const SOAK = process.env['BANYAN_SOAK'] === '1'

/** One story in order: each test goes on where the one before stopped. */
describe.skipIf(!hasChromium)('a device whose data are taken away under open tabs', () => {
  const model = new ModelServer(USER, MUTATORS)
  let browser: BrowserHarness
  let leader: Page
  let other: Page

  beforeAll(async () => {
    const at = new Date().toISOString()
    model.write([{ op: 'insert', table: 'chats', row: chatRowOf({ id: CHAT, user_id: USER, title: 'chat', at }) }])
    browser = await browserHarness(model)
    leader = await browser.open()
    await browser.until(leader, IN_STEP)
    other = await browser.open()
    await browser.until(other, IN_STEP)
  })
  afterAll(() => browser?.close())

  test('when the site’s data are cleared while a tab writes, what is written afterwards arrives (I35)', async () => {
    for (const title of ['one', 'two', 'three'])
      await other.evaluate(([id, text]) => window.page?.rename(id, text), [CHAT, title] as const)
    await browser.until(other, `${IN_STEP} && ${titled('three')}`)
    const cdp = await browser.context.newCDPSession(leader)
    await cdp.send('Storage.clearDataForOrigin', { origin: new URL(leader.url()).origin, storageTypes: 'all' })
    await other.evaluate(([id, text]) => window.page?.rename(id, text), [CHAT, 'after the clearing'] as const)
    await browser.until(other, titled('after the clearing'))
    await expect.poll(() => model.row('chats', { id: CHAT })?.['title'], { timeout: 20_000 }).toBe('after the clearing')
    await other.reload()
    await browser.until(other, `${IN_STEP} && ${titled('after the clearing')}`)
  })

  test.runIf(SOAK)(
    'signing out while the leading tab is frozen leaves nothing that can be read, and soon',
    async () => {
      await leader.reload()
      await Promise.all([browser.until(leader, IN_STEP), browser.until(other, IN_STEP)])
      // from here on it is known which one leads
      await other.close()
      await browser.until(leader, IN_STEP)
      other = await browser.open()
      await browser.until(other, IN_STEP)
      await other.evaluate((chat) => window.page?.store.composer.write(chat, 'a secret'), CHAT)
      const renderer = await rendererOf(leader)
      await other.bringToFront()
      process.kill(renderer, 'SIGSTOP')
      try {
        const began = Date.now()
        await other.evaluate(() => window.page?.store.close({ wipe: true }))
        expect(Date.now() - began).toBeLessThan(25_000)
        expect(await rowsLeft(other)).toBe(0)
      } finally {
        process.kill(renderer, 'SIGCONT')
      }
    },
  )

  test.runIf(SOAK)('and when the frozen tab wakes up, its files go, too', async () => {
    await expect.poll(() => replicaFiles(other), { timeout: 20_000 }).toEqual({ files: 0, databases: 0 })
    await leader.close()
    await expect
      .poll(() => other.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name)), {
        timeout: 20_000,
      })
      .toEqual([])
  })
})

/** How much of the person's is in their device database, if there still is one. */
async function rowsLeft(tab: Page): Promise<number> {
  return tab.evaluate(async (name) => {
    const known = (await indexedDB.databases()).some((each) => each.name === name)
    if (!known) return 0
    const db = await new Promise<IDBDatabase | undefined>((resolve) => {
      const request = indexedDB.open(name)
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => resolve(undefined)
      // its deletion waits for the frozen tab: nobody can open it before
      setTimeout(() => resolve(undefined), 2000)
    })
    if (!db) return 0
    const counts = [...db.objectStoreNames].map(
      (table) =>
        new Promise<number>((resolve) => {
          const request = db.transaction(table).objectStore(table).count()
          request.onsuccess = () => resolve(request.result)
        }),
    )
    const sum = (await Promise.all(counts)).reduce((total, count) => total + count, 0)
    db.close()
    return sum
  }, `banyan-${USER}`)
}
