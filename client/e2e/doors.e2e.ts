import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { devices } from '../../server/kernel/testing/chromium.ts'
import { journey } from './journey.ts'
import {
  addAssistant,
  BORIS,
  eventually,
  giveAccount,
  makeAgent,
  move,
  replica,
  say,
  sayInNewChat,
  signIn,
  signUp,
  untilReplica,
} from './person.ts'

/** The doors: setting up, coming in, going out, and what happens to things that are not through yet. */

const trip = journey('doors', {
  env: { BANYAN_ADMIN_EMAIL: undefined, BANYAN_ADMIN_PASSWORD: undefined },
  model: { tokens_per_second: 200 },
})
const boss = { name: '林管理', email: 'boss@example.com', password: 'a long boss password' }
const boris = { ...BORIS }
let admin: Page
let page: Page
let other: Page

beforeAll(async () => {
  admin = await trip.open(devices.phone)
  page = await trip.open({ ...devices.desktop, permissions: ['clipboard-read', 'clipboard-write'] })
  other = await trip.open()
})

const problem = (on: Page) => on.getByRole('alert')
const submit = (on: Page) => on.locator('button[type="submit"]')

async function token(): Promise<string> {
  return eventually('the token is printed', async () => /token: (\S+)/.exec(trip.product.said())?.[1])
}

/** What the browser keeps of people: databases, and the files of replicas. */
async function storedFor(on: Page): Promise<string[]> {
  return on.evaluate(async () => {
    const files = async (folder: object, path: string): Promise<string[]> => {
      const found: string[] = []
      // Only newer type libraries know that a folder's handle can be walked.
      const entries: AsyncIterable<[string, FileSystemHandle]> = Reflect.apply(
        Reflect.get(folder, 'entries'),
        folder,
        [],
      )
      for await (const [name, handle] of entries)
        found.push(...(handle.kind === 'file' ? [`${path}/${name}`] : await files(handle, `${path}/${name}`)))
      return found
    }
    const databases = (await indexedDB.databases()).map(({ name }) => `database ${name}`)
    return [...databases, ...(await files(await navigator.storage.getDirectory(), ''))]
  })
}

async function giveRoles(email: string, roles: string[]): Promise<void> {
  const { request } = admin.context()
  const { users } = await (await request.get(`${trip.product.origin}/api/users?q=${encodeURIComponent(email)}`)).json()
  const reply = await request.patch(`${trip.product.origin}/api/users/${users[0].id}`, { data: { roles } })
  expect(reply.status()).toBe(200)
}

/** The network is back, and the system tells the browser so. */
async function openDoor(): Promise<void> {
  trip.door.open()
  for (const context of [page.context(), other.context()]) {
    await context.setOffline(true)
    await context.setOffline(false)
  }
}

describe('a new server', () => {
  it('leads everybody to its set-up page, and takes the token from the address', async () => {
    await page.goto(`${trip.door.origin}/chat`)
    await page.waitForURL(/\/set-up/)
    await page.goto(`${trip.door.origin}/set-up?token=abc`)
    expect(await page.getByRole('textbox', { name: '设置口令' }).inputValue()).toBe('abc')
  })

  it('is set up on a phone, with the token that it printed and no other', async () => {
    await admin.goto(trip.product.origin)
    await admin.waitForURL(/\/set-up/)
    await admin.getByRole('textbox', { name: '设置口令' }).fill('not-the-token')
    await admin.getByRole('textbox', { name: '称呼' }).fill(boss.name)
    await admin.getByRole('textbox', { name: '邮箱' }).fill(boss.email)
    await admin.locator('input[name="password"], input[type="password"]').fill(boss.password)
    await submit(admin).tap()
    await problem(admin).getByText('设置口令不对').waitFor()
    expect(await admin.getByRole('textbox', { name: '邮箱' }).inputValue()).toBe(boss.email)
    await admin.getByRole('textbox', { name: '设置口令' }).fill(` ${await token()} `)
    await submit(admin).tap()
    await admin.waitForURL(/\/chat/)
    await admin.goto(`${trip.product.origin}/set-up`)
    await admin.getByText('已经设置过了').waitFor()
  })

  it('offers agents of its store to whoever has none, and keeps the one that the first chat began with', async () => {
    await move(admin, '/chat/new')
    await admin.getByRole('group', { name: '商店里常用的' }).waitFor()
    await say(admin, '你好')
    await admin.waitForURL(/chat\/[0-9a-f-]{36}$/)
    await admin.getByTestId('answer').getByText('word60').waitFor({ timeout: 30_000 })
    await eventually(
      'the install',
      async () => (await replica(admin, 'select 1 as one from v_agent_installs')).length === 1,
    )
    // What she does from here on needs her session, not a page that keeps a replica in step.
    await admin.close()
  })
})

describe('coming in', () => {
  it('says in words what is wrong, and keeps what was typed', async () => {
    await page.goto(`${trip.door.origin}/sign-in`)
    const email = page.locator('input[type="email"]')
    const password = page.locator('input[type="password"]')
    await email.fill(boss.email)
    await password.fill('not her password')
    await submit(page).click()
    await problem(page).getByText('邮箱或密码不对').waitFor()
    const words = await problem(page).textContent()
    await email.fill('nobody@example.com')
    // The words of before go when the form is sent.
    const answer = page.waitForResponse('**/api/auth/sign-in/email')
    await submit(page).click()
    await answer
    await problem(page).waitFor()
    expect(await problem(page).textContent(), 'who has an account is nobody’s business').toBe(words)
    expect(await email.inputValue()).toBe('nobody@example.com')
    trip.door.shut()
    await submit(page).click()
    await problem(page).getByText('连不上服务器').waitFor()
    await openDoor()
  })

  it('is not possible with a password that is too short, or an address that is taken', async () => {
    await page.getByRole('link', { name: '注册' }).click()
    await page.getByRole('textbox', { name: '称呼' }).fill(boris.name)
    await page.locator('input[type="email"]').fill(boss.email)
    await page.locator('input[type="password"]').fill('short')
    await submit(page).click()
    expect(
      await page.locator('input[type="password"]').evaluate((input: HTMLInputElement) => input.validity.tooShort),
    ).toBe(true)
    await page.locator('input[type="password"]').fill(boris.password)
    await submit(page).click()
    await problem(page).getByText('已经注册过').waitFor()
    expect(page.url()).toContain('/sign-up')
  })

  it('leads back to where somebody wanted to go', async () => {
    await signUp(page, trip.door.origin, boris)
    await untilReplica(page)
    await other.goto(`${trip.door.origin}/settings/account`)
    await other.waitForURL(/sign-in\?next=/)
    await giveAccount(other, boris)
    await other.waitForURL(/\/settings\/account$/)
  })
})

describe('changes that the server refuses', () => {
  it('are told in words, after rights were withdrawn while the device was away; everything else arrives', async () => {
    await addAssistant(page)
    await sayInNewChat(page, '在线的问题')
    await page.getByTestId('answer').getByText('word60').waitFor()
    const chat = new URL(page.url()).pathname
    await makeAgent(page, '我的草稿')
    await eventually('the draft is on the server', async () => {
      return (await replica(page, 'select 1 as one from agent_drafts_synced')).length === 1
    })
    trip.door.shut()
    await page.getByRole('textbox', { name: '系统提示词' }).fill('断网时写的长长的提示词')
    await page.getByText('已存到本机').waitFor()
    await makeAgent(page, '断网时新建的')
    await move(page, chat)
    await say(page, '断网时的问题')
    await page.getByText('待发送').waitFor()
    await giveRoles(boris.email, ['user'])
    await openDoor()
    // Rights that shrink end the sessions: the device keeps everything until its person is back.
    await page.getByRole('link', { name: '重新登录' }).click()
    await giveAccount(page, boris)
    await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'))
    await move(page, chat)
    await page.getByText('断网时的问题').first().waitFor()
    await eventually('it is answered', async () => (await page.getByTestId('answer').count()) === 2)
    await page.getByTestId('sync-line').filter({ hasText: '需要你处理', visible: true }).click()
    await page.getByText('没有保存的改动').waitFor()
    for (const what of ['修改草稿', '新建智能体：断网时新建的']) {
      const row = page.getByTestId('refused').filter({ hasText: what })
      await row.getByText('你没有这项权限').waitFor()
    }
    expect(await page.getByTestId('refused').count()).toBe(2)
  })

  it('can be taken along, and are named when somebody wants to sign out, who can then stay', async () => {
    await page.getByTestId('refused').filter({ hasText: '修改草稿' }).getByRole('button', { name: '复制内容' }).click()
    await page.getByText('已复制').waitFor()
    expect(await page.evaluate(async () => navigator.clipboard.readText())).toContain('断网时写的长长的提示词')
    await move(page, '/settings/account')
    await page.getByTestId('sign-out').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('还有 2 处改动没有保存到服务器').waitFor()
    await dialog.getByRole('button', { name: '取消' }).click()
    await dialog.waitFor({ state: 'detached' })
  })

  it('arrive when they are tried again with the rights given back, or are discarded, as their person says', async () => {
    await giveRoles(boris.email, ['user', 'developer'])
    await move(page, '/settings/storage')
    const refused = page.getByTestId('refused')
    await refused.filter({ hasText: '修改草稿' }).getByRole('button', { name: '重试' }).click()
    await eventually('the draft has it', async () => {
      const rows = await replica<{ system_prompt: string }>(page, 'select system_prompt from agent_drafts_synced')
      return rows.some(({ system_prompt }) => system_prompt === '断网时写的长长的提示词')
    })
    await refused.filter({ hasText: '断网时新建的' }).getByRole('button', { name: '放弃' }).click()
    await page.getByRole('dialog').getByRole('button', { name: '放弃' }).click()
    await refused.waitFor({ state: 'detached' })
    await page.getByTestId('sync-line').filter({ hasText: '已同步', visible: true }).waitFor()
  })
})

describe('going out', () => {
  it('loses nothing while the server is away', async () => {
    await move(page, '/chat')
    await page.getByTestId('chat-row').first().click()
    await page.getByRole('log').getByText('断网时的问题').waitFor()
    trip.door.shut()
    await say(page, '走之前的话')
    await page.getByText('待发送').waitFor()
    const chat = new URL(page.url()).pathname
    await move(page, '/settings/account')
    await page.getByTestId('sign-out').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/还有 \d+ 处改动没有保存到服务器/).waitFor()
    await dialog.getByRole('button', { name: '仍然退出' }).click()
    await page.getByText('连不上服务器').first().waitFor()
    await move(page, chat)
    await page.getByText('走之前的话').first().waitFor()
    await openDoor()
    await eventually('it is answered', async () => (await page.getByTestId('answer').count()) === 3)
  })

  it('happens on all other devices when somebody changes their password, which the old one no longer opens', async () => {
    await signIn(other, trip.door.origin, boris)
    await move(page, '/settings/account')
    await page.getByRole('button', { name: '修改密码' }).click()
    const dialog = page.getByRole('dialog')
    const change = dialog.getByRole('button', { name: '修改密码' })
    await dialog.getByLabel('现在的密码').fill('not his password')
    await dialog.getByLabel('新密码').fill('another long password')
    await change.click()
    await dialog.getByText('现在的密码不对').waitFor()
    await dialog.getByLabel('现在的密码').fill(boris.password)
    await change.click()
    await dialog.waitFor({ state: 'detached' })
    await other.getByText('登录已过期').waitFor()
    await other.goto(`${trip.door.origin}/sign-in`)
    await giveAccount(other, boris)
    await problem(other).getByText('邮箱或密码不对').waitFor()
    boris.password = 'another long password'
  })

  it('happens on every device at once when asked for; the others keep what they have until their person is back', async () => {
    await signIn(other, trip.door.origin, boris)
    await untilReplica(other)
    expect(await storedFor(page)).not.toEqual([])
    await move(page, '/settings/account')
    await page.getByRole('button', { name: '在所有设备上退出' }).click()
    await page.getByRole('dialog').getByRole('button', { name: '退出登录' }).click()
    await page.waitForURL(/sign-in/)
    expect(await page.evaluate(() => Reflect.get(window, 'banyan'))).toBeUndefined()
    expect(await storedFor(page)).toEqual([])
    await other.getByText('登录已过期').waitFor()
    await other.getByTestId('chat-row').first().click()
    await other.getByText('断网时的问题').first().waitFor()
    expect(await other.evaluate(async () => (await fetch('/api/sessions')).status)).toBe(401)
  })
})

it('leaves no error behind in any page, and nothing asked outside this machine', () => {
  expect(trip.trouble()).toEqual([])
})
