import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MUTATORS } from '../../shared/registry.ts'
import { browserHarness, hasChromium, offline, replicaNames, type BrowserHarness } from '../testing/browser.ts'
import { ModelServer } from '../testing/model-server.ts'
import { chatRowOf, idOf } from '../testing/pending.ts'
import { schemaHash } from './replica-schema.ts'

const USER = idOf(1)
const OLD = '0123456789abcdef-g0'
const NEW = `${schemaHash()}-g0`
const IN_STEP =
  "page.store.status.mode === 'replica' && page.store.status.state === 'synced' && page.store.status.pending === 0"
const ALL = 'page.chats.rows.length === 3'
const titled = (title: string) => `page.chats.rows.some((row) => row.title === '${title}')`

/** One story in order: the app has been updated, its replica has another schema, and the server cannot be reached. */
describe.skipIf(!hasChromium)('an update that comes with another schema', () => {
  const model = new ModelServer(USER, MUTATORS)
  let browser: BrowserHarness
  let tab: Page

  beforeAll(async () => {
    const at = new Date().toISOString()
    const rows = [10, 11, 12].map((id) => chatRowOf({ id: idOf(id), user_id: USER, title: `chat ${id}`, at }))
    model.write(rows.map((row) => ({ op: 'insert', table: 'chats', row })))
    browser = await browserHarness(model)
    tab = await browser.open()
    await browser.until(tab, `${IN_STEP} && ${ALL}`)
    // what the old app knew when it was closed: the new one is not told before the line is back
    await tab.evaluate((id) => window.page?.rename(id, 'of the old app'), idOf(10))
    await browser.until(tab, `${IN_STEP} && ${titled('of the old app')}`)
    await tab.waitForTimeout(1000)
    await tab.close()
    tab = await browser.visit('/api/nothing')
    await tab.evaluate(renameReplica, [USER, NEW, OLD] as const)
    expect(await replicaNames(tab)).toEqual([OLD])
    await tab.close()
    await offline(browser.context, true)
    await browser.context.route('**/assets/replica-*', (route) => route.abort())
  })
  afterAll(() => browser?.close())

  test('shows what the old replica held, takes writes, and keeps the old one (I30)', async () => {
    tab = await browser.open()
    await browser.until(tab, `page.store.status.mode === 'replica' && ${ALL} && ${titled('of the old app')}`)
    await tab.evaluate((id) => window.page?.rename(id, 'in the tunnel'), idOf(11))
    await browser.until(tab, `${titled('in the tunnel')} && page.store.status.pending === 1`)
    expect(await replicaNames(tab)).toEqual([OLD, NEW].sort())
  })

  test('also when it is closed and opened again before anything has come', async () => {
    await tab.waitForTimeout(1000)
    await tab.close()
    tab = await browser.open()
    await browser.until(tab, `page.store.status.mode === 'replica' && ${ALL} && ${titled('in the tunnel')}`)
    expect(await replicaNames(tab)).toContain(OLD)
  })

  test('with the line back everything comes anew without an empty list, what waited is sent, the old one goes', async () => {
    model.write([{ op: 'update', table: 'chats', key: { id: idOf(12) }, set: { title: 'meanwhile' } }])
    await tab.evaluate(() => window.page?.shown.splice(0))
    await offline(browser.context, false)
    await browser.until(tab, `${IN_STEP} && ${titled('meanwhile')}`)
    expect(model.row('chats', { id: idOf(11) })?.['title']).toBe('in the tunnel')
    const shown = await tab.evaluate(() => window.page?.shown ?? [])
    expect(shown.every((titles) => titles.length === 3 && titles.includes('in the tunnel'))).toBe(true)
    await expect.poll(() => replicaNames(tab), { timeout: 10_000 }).toEqual([NEW])
  })
})

/** In the page: gives a replica the name of another schema, as if another app had made it. */
async function renameReplica([user, from, to]: readonly [string, string, string]): Promise<void> {
  const root = await navigator.storage.getDirectory()
  const own = await (await root.getDirectoryHandle('banyan')).getDirectoryHandle(user)
  const copy = async (source: FileSystemDirectoryHandle, target: FileSystemDirectoryHandle): Promise<void> => {
    for await (const [name, handle] of source.entries()) {
      if (handle instanceof FileSystemDirectoryHandle)
        await copy(handle, await target.getDirectoryHandle(name, { create: true }))
      else if (handle instanceof FileSystemFileHandle) {
        const file = await (await target.getFileHandle(name, { create: true })).createWritable()
        await file.write(await handle.getFile())
        await file.close()
      }
    }
  }
  await copy(await own.getDirectoryHandle(from), await own.getDirectoryHandle(to, { create: true }))
  await own.removeEntry(from, { recursive: true })
}
