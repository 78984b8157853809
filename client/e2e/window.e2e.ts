import { randomUUID } from 'node:crypto'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { PROTOCOL_VERSION } from '../../sync/protocol/version.ts'
import { newId } from '../../shared/kernel/id.ts'
import { devices, launchChromium } from '../../server/kernel/testing/chromium.ts'
import {
  addAssistant,
  eventually,
  move,
  newPage,
  photograph,
  replica,
  signIn,
  signUp,
  untilReplica,
  untilStored,
} from './person.ts'
import { createProduct, type Product } from './product.ts'

/** Chats that are older than what a device holds by itself. */

const ida = { name: '伊达', email: 'ida@example.com', password: 'a long password of hers' }
const opened = newId()
const unopened = newId()
let product: Product
let browser: Browser
let context: BrowserContext
let page: Page

beforeAll(async () => {
  product = await createProduct()
  await product.start()
  browser = await launchChromium()
  const first = await newPage(await browser.newContext(devices.desktop), product.origin)
  await signUp(first.page, product.origin, ida)
  await untilReplica(first.page)
  await addAssistant(first.page)
  const [install] = await replica<Install>(first.page, 'select agent_id, agent_version_id from v_agent_installs')
  if (!install) throw new Error('no install')
  for (const [chat_id, words] of [
    [opened, '很久以前的问题'],
    [unopened, '另一个旧问题'],
  ] as const)
    await sayLongAgo(first.page, chat_id, words, install)
  await first.page.context().close()
  context = await browser.newContext(devices.desktop)
  page = (await newPage(context, product.origin)).page
}, 120_000)

afterAll(async () => {
  await browser.close()
  await product.remove()
})
afterEach(({ task }) => photograph('window', task, [page]))

interface Install {
  agent_id: string
  agent_version_id: string
}

/** As a device would have said it sixty days ago. */
async function sayLongAgo(
  on: Page,
  chat_id: string,
  content: string,
  { agent_id, agent_version_id }: Install,
): Promise<void> {
  const args = {
    chat_id,
    chat: { agent_id, agent_version_id, title: content, source: 'app' },
    parent_message_id: null,
    user_message_id: newId(),
    answer_message_id: newId(),
    execution_id: newId(),
    content,
  }
  const created_at = new Date(Date.now() - 60 * 86_400_000).toISOString()
  const hlc = `${String(Date.now()).padStart(13, '0')}-0000-abcdefabcdef`
  const mutation = { id: newId(), seq: 1, name: 'message.send', version: 1, args, hlc, created_at }
  const result = await on.evaluate(
    async (body) => {
      const headers = { 'content-type': 'application/json' }
      return (await fetch('/api/sync/push', { method: 'POST', headers, body: JSON.stringify(body) })).text()
    },
    { protocol: PROTOCOL_VERSION, device_id: randomUUID(), mutations: [mutation] },
  )
  expect(result).toContain('applied')
  await eventually('the answer', async () => {
    const rows = await on.evaluate(async (id) => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' } }
      const reply = await fetch('/api/query/chat.messages', {
        ...init,
        body: JSON.stringify({ params: { chat_id: id } }),
      })
      return (await reply.json()).rows
    }, chat_id)
    return rows.length === 2 && rows.every(({ status }: { status: string }) => status === 'sent')
  })
}

const here = async (chat_id: string) =>
  (await replica(page, `select 1 as one from v_chat_messages where chat_id = '${chat_id}'`)).length

it('comes without them, and brings one when it is opened (I28)', async () => {
  await signIn(page, product.origin, ida)
  await untilReplica(page)
  await eventually('the list', async () => (await replica(page, 'select 1 as one from v_chats')).length === 2)
  expect([await here(opened), await here(unopened)]).toEqual([0, 0])
  await move(page, `/chat/${opened}`)
  await page.getByRole('log').getByText('很久以前的问题').waitFor()
  await eventually('the chat', async () => (await here(opened)) === 2)
  expect(await here(unopened)).toBe(0)
})

it('finds the others on the server, and says when it cannot', async () => {
  const search = page.getByPlaceholder('搜索对话和消息')
  await search.fill('旧问题')
  await page.getByText('更早的消息也已在服务器上搜索').waitFor()
  await page.getByRole('heading', { name: '消息', exact: true }).waitFor()
  await search.fill('')
  await untilStored(page)
  await product.kill()
  await page.getByText('离线').filter({ visible: true }).first().waitFor()
  await search.fill('旧问题')
  await page.getByText('没有联网').waitFor()
  await search.fill('')
})

it('away from the server the opened one can be read; of the other it says that it is not here', async () => {
  await page.reload()
  await page.getByRole('log').getByText('很久以前的问题').waitFor()
  await untilReplica(page)
  await move(page, `/chat/${unopened}`)
  await page.getByText('更早的消息不在这台设备上').waitFor()
  expect(await page.getByTestId('composer').count()).toBe(0)
})

it('and brings it when the server is back', async () => {
  await product.start()
  await page.getByRole('log').getByText('另一个旧问题').waitFor({ timeout: 30_000 })
  await page.getByTestId('composer').waitFor()
  expect(await here(unopened)).toBe(2)
})
