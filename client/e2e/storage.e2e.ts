import { readFile } from 'node:fs/promises'
import type { BrowserContext, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { devices } from '../../server/kernel/testing/chromium.ts'
import { ageOutbox } from '../../sync/testing/age-outbox.ts'
import { violations } from './axe.ts'
import { journey } from './journey.ts'
import {
  addAssistant,
  ANNA,
  BORIS,
  eventually,
  giveAccount,
  move,
  replica,
  say,
  sayInNewChat,
  signIn,
  signUp,
  untilReplica,
  untilStored,
} from './person.ts'

/** What a device holds of a person, what it has not sent, and what the next person at it sees: nothing. */

const trip = journey('storage', { model: { tokens_per_second: 400 } })
let context: BrowserContext
let page: Page

beforeAll(async () => {
  context = await trip.browser.newContext({ ...devices.desktop, bypassCSP: true })
  page = await trip.open(context)
})

const dialog = () => page.getByRole('dialog')
const queued = () => page.getByTestId('queued')
const answers = (count: number) =>
  eventually(`${count} answers`, async () => (await page.getByTestId('answer').count()) === count)

async function shoot(name: string): Promise<void> {
  const shots = process.env['E2E_SHOTS']
  if (shots) await page.screenshot({ path: `${shots}/storage-${name}.png`, fullPage: true })
}

let chat = ''

describe('the storage page', () => {
  it('tells what is on this device, and that nothing waits', async () => {
    await signUp(page, trip.door.origin, ANNA)
    await untilReplica(page)
    await addAssistant(page)
    chat = new URL(await sayInNewChat(page, '第一个问题')).pathname
    await answers(1)
    await move(page, '/settings/storage')
    await page.getByText('没有等待发送的内容').waitFor()
    const messages = page.getByTestId('shape').filter({ hasText: '消息' })
    await messages.getByText(/^2 条 · /).waitFor()
    await messages.getByText('最新').waitFor()
    expect(await violations(page)).toEqual([])
    await shoot('empty')
  })

  it('names what waits, saves it to a file, and drops it only when told twice', async () => {
    await move(page, chat)
    await untilStored(page)
    trip.door.shut()
    await say(page, '不想发的话')
    await say(page, '想发的话')
    await page.getByText('待发送').nth(1).waitFor()
    await move(page, '/settings/storage')
    await queued().nth(1).waitFor()
    expect(await violations(page)).toEqual([])
    await shoot('queued')
    const saved = page.waitForEvent('download')
    await page.getByTestId('export-unsent').click()
    const file = JSON.parse(await readFile(await (await saved).path(), 'utf8'))
    expect(file).toMatchObject({ format: 'banyan-unsent', rejected: [], drafts: [] })
    expect(file.queued.map(({ args }: { args: { content: string } }) => args.content)).toEqual([
      '不想发的话',
      '想发的话',
    ])

    const drop = queued().filter({ hasText: '发送消息：想发的话' }).getByRole('button', { name: '丢弃' })
    await drop.click()
    await dialog().getByRole('button', { name: '取消' }).click()
    await dialog().waitFor({ state: 'detached' })
    expect(await queued().count()).toBe(2)
    await drop.focus()
    await page.keyboard.press('Enter')
    await dialog().getByRole('button', { name: '丢弃' }).click()
    await queued().nth(1).waitFor({ state: 'detached' })
    await move(page, chat)
    await page.getByText('不想发的话').first().waitFor()
    await page.getByText('想发的话', { exact: true }).waitFor({ state: 'detached' })
  })

  it('asks in the chat and here before it sends what is a day old, and takes it back to the composer', async () => {
    await page.evaluate(ageOutbox, {})
    await page.reload()
    await page.getByText('超过一天没发出，还要发吗？').waitFor()
    trip.door.open()
    await eventually('the server is there', async () => page.evaluate(async () => (await fetch('/api/session')).ok))
    await shoot('asks-in-chat')
    await move(page, '/settings/storage')
    await queued().getByText('超过一天没发出，等你决定').waitFor()
    expect(await violations(page)).toEqual([])
    await shoot('asks')
    await queued().getByRole('button', { name: '取回编辑' }).click()
    await page.waitForURL((url) => url.pathname === chat)
    await expect.poll(() => page.getByTestId('composer').inputValue()).toBe('不想发的话')
    await page.getByTestId('composer').fill('还是想发的话')
    await page.keyboard.press('Enter')
    await answers(2)
    const rows = await replica<{ n: number }>(
      page,
      "select count(*)::int as n from v_chat_messages where role = 'user'",
    )
    expect(rows).toEqual([{ n: 2 }])
  })
})

describe('an app that is too old', () => {
  it('says so, updates when told to, and then sends what it kept', async () => {
    await eventually('the worker is in charge', () => page.evaluate(() => navigator.serviceWorker.controller !== null))
    const outdated = { status: 426, json: { error: { code: 'sync/client-too-old', message: 'update' } } }
    await context.route('**/api/sync/push', (route) => route.fulfill(outdated))
    await say(page, '老版本写的话')
    await page.getByText('这个版本太旧').waitFor()
    await shoot('too-old')
    trip.door.alter('/sw.js', (text) => `${text}\n// The next version.\n`)
    const loaded = page.waitForEvent('load')
    await page.getByRole('button', { name: '现在更新' }).click()
    await loaded
    await context.unroute('**/api/sync/push')
    await page.getByText('老版本写的话').first().waitFor()
    await answers(3)
    expect(await page.getByText('这个版本太旧').count()).toBe(0)
  })
})

describe('a server that is older than the app', () => {
  it('is said to be, and gets what was kept once it understands', async () => {
    const outdated = { status: 503, json: { error: { code: 'sync/server-too-old', message: 'later' } } }
    await context.route('**/api/sync/push', (route) => route.fulfill(outdated))
    await say(page, '新版本写的话')
    const banner = page.getByText('服务器的版本比这个应用旧')
    await banner.waitFor()
    await shoot('server-too-old')
    await move(page, '/settings/storage')
    await queued().filter({ hasText: '新版本写的话' }).waitFor()
    await context.unroute('**/api/sync/push')
    await queued().getByRole('button', { name: '重试' }).click()
    await page.getByText('没有等待发送的内容').waitFor()
    await banner.waitFor({ state: 'detached' })
    await move(page, chat)
    await answers(4)
  })
})

describe('another person at the same browser', () => {
  it('sees nothing of the one before, in no tab (I25)', async () => {
    await move(page, '/chat/new')
    await page.getByTestId('composer').fill('安娜没写完的话')
    await move(page, chat)
    trip.door.shut()
    await say(page, '安娜离线的话')
    await page.getByText('待发送').waitFor()
    const second = await trip.open(context)
    await second.goto(`${trip.door.origin}${chat}`)
    await second.getByText('安娜离线的话').waitFor()
    // her session ends without her
    await context.clearCookies()
    trip.door.open()
    await page.getByText('登录已过期').waitFor()

    await page.getByRole('link', { name: '重新登录' }).click()
    await page.getByRole('link', { name: '注册' }).click()
    await page.locator('input[autocomplete="name"]').fill(BORIS.name)
    await giveAccount(page, BORIS)
    await page.waitForURL((url) => url.pathname.startsWith('/chat'))
    await untilReplica(page)
    const counts = `select (select count(*) from v_chats)::int as chats, (select count(*) from v_chat_messages)::int as messages,
      (select count(*) from chat_messages_local)::int as overlay, (select count(*) from v_agent_installs)::int as agents`
    expect(await replica(page, counts)).toEqual([{ chats: 0, messages: 0, overlay: 0, agents: 0 }])
    for (const path of ['/chat', '/chat/new', chat, '/settings/storage']) {
      await page.goto(`${trip.door.origin}${path}`)
      await page.locator('h1').first().waitFor()
      for (const words of ['第一个问题', '安娜'])
        expect(await page.getByText(words).count(), `${path}: ${words}`).toBe(0)
    }
    await page.goto(`${trip.door.origin}/chat`)
    await page.getByPlaceholder('搜索对话和消息').fill('问题')
    await page.getByText('没有找到').waitFor()
    await eventually('her other tab is his, too', async () => (await second.getByText('安娜离线的话').count()) === 0)
    expect(await second.getByText('第一个问题').count()).toBe(0)
    await second.close()
  })

  it('takes only his own things along, and she finds all of hers, which are sent', async () => {
    await move(page, '/settings/storage')
    await page.getByTestId('wipe').click()
    await dialog().getByRole('button', { name: '清除' }).click()
    await page.waitForURL(/sign-in/)
    await signIn(page, trip.door.origin, ANNA)
    await move(page, chat)
    await page.getByText('安娜离线的话').first().waitFor()
    await answers(5)
    await move(page, '/chat/new')
    await expect.poll(() => page.getByTestId('composer').inputValue()).toBe('安娜没写完的话')
  })

  it('wipes a device that has no network, too: the session ends once the server is there', async () => {
    trip.door.shut()
    await move(page, '/settings/storage')
    await page.getByTestId('wipe').click()
    await dialog().getByText('没写完的消息：安娜没写完的话').waitFor()
    await shoot('wipe')
    const saved = page.waitForEvent('download')
    await dialog().getByRole('button', { name: '先导出' }).click()
    await saved
    await dialog().getByRole('button', { name: '仍然清除' }).click()
    await page.waitForURL(/sign-in/)
    const databases = () => page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))
    // What the server has yet to be told, and nothing of hers.
    await expect.poll(databases).toEqual(['banyan-session'])
    trip.door.open()
    await page.reload()
    await page.locator('input[type="email"]').waitFor()
    expect(await page.evaluate(async () => (await (await fetch('/api/session')).json()).user)).toBe(null)
    await expect.poll(databases).toEqual([])
  })
})

it('leaves no error behind in any page, and nothing asked outside this machine', () => {
  expect(trip.trouble()).toEqual([])
})
