import { randomUUID } from 'node:crypto'
import type { Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { newId } from '../../shared/kernel/id.ts'
import { PROTOCOL_VERSION } from '../../sync/protocol/version.ts'
import { journey } from './journey.ts'
import {
  addAssistant,
  eventually,
  messagesOnServer,
  move,
  replica,
  signIn,
  signUp,
  untilReplica,
  untilStored,
} from './person.ts'

/** Chats that are older than what a device holds by itself. */

const ida = { name: '伊达', email: 'ida@example.com', password: 'a long password of hers' }
const opened = newId()
const unopened = newId()
const kept = newId()
const trip = journey('window')
let page: Page

interface Install {
  agent_id: string
  agent_version_id: string
}

beforeAll(async () => {
  const first = await trip.open()
  await signUp(first, trip.product.origin, ida)
  await untilReplica(first)
  await addAssistant(first)
  const [install] = await replica<Install>(first, 'select agent_id, agent_version_id from v_agent_installs')
  if (!install) throw new Error('no install')
  await sayLongAgo(first, opened, '很久以前的问题', install)
  await sayLongAgo(first, unopened, '另一个旧问题', install)
  await sayLongAgo(first, kept, '要留着的问题', install)
  await first.context().close()
  page = await trip.open()
})

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
    const rows = await messagesOnServer(on, chat_id)
    return rows.length === 2 && rows.every(({ status }) => status === 'sent')
  })
}

const here = async (chat_id: string) =>
  (await replica(page, `select 1 as one from v_chat_messages where chat_id = '${chat_id}'`)).length

it('comes without them, and brings one when it is opened (I28)', async () => {
  await signIn(page, trip.product.origin, ida)
  await untilReplica(page)
  await eventually('the list', async () => (await replica(page, 'select 1 as one from v_chats')).length === 3)
  expect([await here(opened), await here(unopened), await here(kept)]).toEqual([0, 0, 0])
  await move(page, `/chat/${opened}`)
  await page.getByRole('log').getByText('很久以前的问题').waitFor()
  await eventually('the chat', async () => (await here(opened)) === 2)
  expect(await here(unopened)).toBe(0)
})

it('brings one that is to be kept offline without its being opened, and marks it', async () => {
  const row = page.getByTestId('chat-row').filter({ hasText: '要留着的问题' })
  await row.hover()
  await row.locator('..').getByRole('button', { name: /更多/ }).click()
  await page.getByRole('menuitem', { name: '离线保留' }).click()
  await page.getByText('已保留在这台设备上').waitFor()
  expect(await here(kept)).toBe(2)
  await row.getByRole('img', { name: '离线保留' }).waitFor()
})

it('finds the others on the server, and says when it cannot', async () => {
  const search = page.getByPlaceholder('搜索对话和消息')
  await search.fill('旧问题')
  await page.getByText('更早的消息也已在服务器上搜索').waitFor()
  await page.getByRole('heading', { name: '消息', exact: true }).waitFor()
  await search.fill('')
  const palette = page.getByRole('dialog')
  await page.keyboard.press('Control+k')
  await palette.getByRole('combobox').fill('旧问题')
  await palette.getByRole('group', { name: '消息' }).getByRole('option', { name: '另一个旧问题' }).waitFor()
  await palette.getByText('更早的消息也已在服务器上搜索').waitFor()
  await page.keyboard.press('Escape')
  await untilStored(page)
  await trip.product.kill()
  await page.getByText('离线').filter({ visible: true }).first().waitFor()
  await search.fill('旧问题')
  await page.getByText('没有联网').waitFor()
  await search.fill('')
  await page.keyboard.press('Control+k')
  await palette.getByRole('combobox').fill('旧问题')
  await palette.getByText('没有联网').waitFor()
  expect(await palette.getByRole('group', { name: '消息' }).count()).toBe(0)
  await page.keyboard.press('Escape')
})

it('away from the server the opened one and the kept one can be read; of the other it says that it is not here', async () => {
  await page.reload()
  await page.getByRole('log').getByText('很久以前的问题').waitFor()
  await untilReplica(page)
  await move(page, `/chat/${kept}`)
  await page.getByRole('log').getByText('要留着的问题').waitFor()
  await page.getByTestId('chat-menu').click()
  await page.getByRole('menuitem', { name: '取消离线保留' }).click()
  await page.getByText('不再特意保留').waitFor()
  await page.getByTestId('chat-row').getByRole('img', { name: '离线保留' }).waitFor({ state: 'detached' })
  await move(page, `/chat/${unopened}`)
  await page.getByText('更早的消息不在这台设备上').waitFor()
  expect(await page.getByTestId('composer').count()).toBe(0)
})

it('and brings it when the server is back', async () => {
  await trip.product.start()
  await page.getByRole('log').getByText('另一个旧问题').waitFor({ timeout: 30_000 })
  await page.getByTestId('composer').waitFor()
  expect(await here(unopened)).toBe(2)
})

it('leaves no error behind in any page, and nothing asked outside this machine', () => {
  expect(trip.trouble()).toEqual([])
})
