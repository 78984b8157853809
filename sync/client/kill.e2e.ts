import fc from 'fast-check'
import type { Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MUTATORS } from '../../shared/registry.ts'
import { browserHarness, hasChromium, offline, replicaTrouble, type BrowserHarness } from '../testing/browser.ts'
import { ModelServer } from '../testing/model-server.ts'
import { chatRowOf, idOf } from '../testing/pending.ts'
import { SEED } from '../testing/seed.ts'

const USER = idOf(1)
const CHAT = idOf(10)
const IN_STEP =
  "page.store.status.mode === 'replica' && page.store.status.state === 'synced' && page.store.status.pending === 0"
const CYCLES = process.env['BANYAN_SOAK'] === '1' ? 50 : 3

/** One life of the browser. */
const lives = fc.sample(
  fc.record({
    /** Messages that it is told are kept before the blow. */
    messages: fc.integer({ min: 1, max: 30 }),
    /** Without the server, only the outbox has what was written. */
    offline: fc.boolean(),
    /** How long after the last of them, ms. */
    later: fc.constantFrom(0, 0, 3, 20, 150),
  }),
  { seed: SEED, numRuns: CYCLES },
)

/** One story in order: each test goes on where the one before stopped. */
describe.skipIf(!hasChromium)('a browser that is killed', () => {
  const model = new ModelServer(USER, MUTATORS)
  let browser: BrowserHarness
  let tab: Page

  beforeAll(async () => {
    const row = chatRowOf({ id: CHAT, user_id: USER, title: 'chat', at: new Date().toISOString() })
    model.write([{ op: 'insert', table: 'chats', row }])
    browser = await browserHarness(model)
    await open()
  })
  afterAll(() => browser?.close())

  let next = 1000
  const acknowledged = new Set<string>()

  /** Opens the store; from then on the page can say which messages it has been told are kept. */
  async function open(): Promise<void> {
    tab = await browser.open()
    await tab.exposeFunction('acknowledged', (id: string) => void acknowledged.add(id))
    await browser.until(tab, IN_STEP)
  }

  /** Sends message after message until the end. */
  async function writeUntilKilled(): Promise<void> {
    await tab.evaluate(
      async ([chat, from]) => {
        const id = (number: number) => `01900000-0000-7000-8000-${String(number).padStart(12, '0')}`
        for (let number = from; ; number += 3) {
          await window.page?.send(chat, [id(number), id(number + 1), id(number + 2)], `message ${number}`)
          void Reflect.get(window, 'acknowledged')(id(number))
        }
      },
      [CHAT, (next += 10_000)] as const,
    )
  }

  const known = () => new Set(model.rows('chat_messages').map((row) => row['id']))
  const missing = () => [...acknowledged].filter((id) => !known().has(id))
  const messagesHere = () =>
    tab.evaluate(async () => (await window.page?.store.query('select id from v_chat_messages'))?.length)

  test(`${CYCLES} times while it writes: nothing acknowledged is lost or doubled, and the replica opens again (I19) [seed ${SEED}]`, async () => {
    for (const life of lives) {
      const enough = acknowledged.size + life.messages
      if (life.offline) await offline(browser.context, true)
      void writeUntilKilled().catch(() => undefined)
      await expect.poll(() => acknowledged.size, { timeout: 30_000, interval: 2 }).toBeGreaterThanOrEqual(enough)
      await new Promise((resolve) => setTimeout(resolve, life.later))
      await browser.kill()
      await open()
      expect(missing()).toEqual([])
      expect(twice(model.applied.map(({ id }) => id))).toEqual([])
      expect(await tab.evaluate(() => window.page?.store.outbox.rejected())).toEqual([])
      expect(await messagesHere()).toBe(model.rows('chat_messages').length)
      expect(await replicaTrouble(tab, USER)).toBeUndefined()
    }
    const written = model.rows('chat_messages').filter(({ role }) => role === 'user').length
    console.log(
      `${CYCLES} kills: ${acknowledged.size} messages acknowledged, ${written} on the server, ${missing().length} lost`,
    )
  }, 1_800_000)

  test.each([
    ['damaged', true, undefined],
    ['taken away', false, (route: Route) => route.abort()],
    ['taken away while the empty one of the build is torn', false, tear],
  ])('a replica that was %s is built anew, and what waited is sent', async (what, garbled, answerBlank) => {
    await offline(browser.context, true)
    await tab.evaluate(([id, title]) => window.page?.rename(id, title), [CHAT, `waits, ${what}`] as const)
    await browser.kill()
    const thief = await browser.visit('/api/nothing')
    await thief.evaluate(spoilReplicas, garbled)
    await thief.close()
    if (answerBlank) await browser.context.route('**/assets/replica-*', answerBlank)
    await open()
    expect(model.row('chats', { id: CHAT })?.['title']).toBe(`waits, ${what}`)
    expect(await messagesHere()).toBe(model.rows('chat_messages').length)
  })
})

function twice<T>(all: readonly T[]): T[] {
  return all.filter((one, index) => all.indexOf(one) !== index)
}

/** Answers with the first half of a file. */
async function tear(route: Route): Promise<void> {
  const body = await (await route.fetch()).body()
  await route.fulfill({ body: body.subarray(0, body.length / 2), contentType: 'application/octet-stream' })
}

/** In the page: overwrites the middle of every larger file of the replicas, or deletes them all. */
async function spoilReplicas(garble: boolean): Promise<void> {
  const root = await navigator.storage.getDirectory()
  if (!garble) return root.removeEntry('banyan', { recursive: true })
  const walk = async (directory: FileSystemDirectoryHandle): Promise<void> => {
    for await (const handle of directory.values()) {
      if (handle instanceof FileSystemDirectoryHandle) await walk(handle)
      else if (handle instanceof FileSystemFileHandle && (await handle.getFile()).size >= 16_384) {
        const file = await handle.createWritable({ keepExistingData: true })
        await file.write({ type: 'write', position: 8192, data: new Uint8Array(4096).fill(0xa5) })
        await file.close()
      }
    }
  }
  await walk(root)
}
