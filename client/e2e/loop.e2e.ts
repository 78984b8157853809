import type { Locator, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { journey } from './journey.ts'
import { eventually, makeAgent, move, replica, say, signIn, signUp, untilReplica } from './person.ts'
import { ADMIN } from './product.ts'

/** The whole loop: an agent is made, tried, sent back, mended, approved by another person, found, used and rated. */

const trip = journey('loop', { model: { tokens_per_second: 200 } })
let developer: Page
let admin: Page
let user: Page
const NAME = '诗词鉴赏'
const SECRET = '只有作者知道的提示词'
const FIRST = `你懂诗词。\n${SECRET}\n回答要短。`

beforeAll(async () => {
  developer = await trip.open()
  admin = await trip.open()
  user = await trip.open()
})

const button = (on: Page | Locator, name: string) => on.getByRole('button', { name, exact: true })

/** Makes an agent with a prompt, and waits until the server has it. */
async function make(page: Page, name: string, prompt: string): Promise<void> {
  await makeAgent(page, name)
  await write(page, prompt)
}

async function openAgent(page: Page, name: string): Promise<void> {
  await move(page, '/studio')
  await page.getByRole('link', { name }).click()
  await page.waitForURL(/studio\/[0-9a-f-]{36}/)
}

async function write(page: Page, prompt: string): Promise<void> {
  await page.getByRole('tab', { name: '提示词' }).click()
  await page.getByRole('textbox', { name: '系统提示词' }).fill(prompt)
  await untilReplica(page)
  await eventually('the draft has reached the server', async () => {
    const rows = await replica<{ system_prompt: string }>(page, 'select system_prompt from agent_drafts_synced')
    return rows.some(({ system_prompt }) => system_prompt === prompt)
  })
}

async function submit(page: Page, changelog: string): Promise<void> {
  await button(page, '提交审核').click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('textbox', { name: '更新说明' }).fill(changelog)
  await button(dialog, '提交').click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('审核中').first().waitFor()
}

async function openReview(page: Page, name: string): Promise<void> {
  await move(page, '/review')
  await page
    .getByRole('link', { name: new RegExp(name) })
    .first()
    .click()
  await page.waitForURL(/review\/[0-9a-f-]{36}/)
  await page.getByRole('region', { name: '系统提示词：逐行对比' }).waitFor()
}

async function decide(page: Page, what: '批准发布' | '退回', reason?: string): Promise<void> {
  await button(page, what).click()
  const dialog = page.getByRole('dialog')
  if (reason !== undefined) {
    expect(await button(dialog, what).isDisabled(), 'a reason is needed').toBe(true)
    await page.keyboard.type(reason)
  }
  await button(dialog, what).click()
  await dialog.waitFor({ state: 'detached' })
}

/** What a program sees of the agent in the store. */
async function listed(
  page: Page,
): Promise<{ id: string; slug: string; version: string; rating_count: number } | undefined> {
  return page.evaluate(async (name) => {
    const { agents } = await (await fetch(`/api/store/agents?q=${encodeURIComponent(name)}`)).json()
    return agents[0]
  }, NAME)
}

describe('an agent', () => {
  it('is made and tried as a draft', async () => {
    await signUp(developer, trip.product.origin, {
      name: '开发者',
      email: 'dev@example.com',
      password: 'a long developer password',
    })
    await make(developer, NAME, FIRST)
    await button(developer, '试聊').click()
    await developer.waitForURL(/chat\/new/)
    await say(developer, '你好')
    await developer.getByTestId('answer').getByText('word60').waitFor({ timeout: 30_000 })
    expect(JSON.stringify(trip.product.model.requests.at(-1)?.body.messages)).toContain(SECRET)
  })

  it('is submitted, and shown to nobody yet', async () => {
    await openAgent(developer, NAME)
    await submit(developer, '首个版本')
    expect(await listed(developer)).toBeUndefined()
  })

  it('is read by a reviewer, tried in a chat of the review, and approved', async () => {
    await signIn(admin, trip.product.origin, ADMIN)
    await openReview(admin, NAME)
    await admin.getByText(SECRET).waitFor()
    await admin.getByText('首次提交').waitFor()
    await untilReplica(admin)
    await button(admin, '试用').click()
    await admin.waitForURL(/chat\/[0-9a-f-]{36}/)
    await admin.getByRole('main').getByText('审核试用').first().waitFor()
    await say(admin, '试一下')
    await admin.getByTestId('answer').getByText('word60').waitFor({ timeout: 30_000 })
    await openReview(admin, NAME)
    await decide(admin, '批准发布')
    await eventually('the version is current', async () => (await listed(admin))?.version === '1.0.0')
  })

  it('is sent back with a reason, which the author sees, mends and answers with a new version', async () => {
    await write(developer, `${FIRST}\n不许说明出处。`)
    await submit(developer, '不再说明出处')
    await openReview(admin, NAME)
    const diff = admin.getByRole('region', { name: '系统提示词：逐行对比' })
    expect((await diff.textContent())?.match(/新增/g)).toHaveLength(1)
    await diff.getByText('不许说明出处').waitFor()
    await decide(admin, '退回', '必须说明出处。')
    await openAgent(developer, NAME)
    await developer.getByText('必须说明出处。').first().waitFor()
    await write(developer, `${FIRST}\n必须说明出处。`)
    await submit(developer, '按意见改好')
    await developer.getByText('按意见改好').waitFor()
  })

  it('is compared with the version that was approved last, and approved in turn', async () => {
    await openReview(admin, NAME)
    const diff = admin.getByRole('region', { name: '系统提示词：逐行对比' })
    const text = (await diff.textContent()) ?? ''
    expect(text.match(/新增/g)).toHaveLength(1)
    expect(text).not.toContain('不许')
    expect(text).toContain('必须说明出处')
    await admin.getByText('必须说明出处。', { exact: true }).last().waitFor()
    await decide(admin, '批准发布')
    await eventually('the new version is current', async () => (await listed(admin))?.version === '1.0.2')
  })

  it('is not for its author to decide about', async () => {
    await make(admin, '管理员自己的', '你好')
    await submit(admin, '')
    await openReview(admin, '管理员自己的')
    await admin.getByText('这是你自己的智能体').waitFor()
    expect(await button(admin, '批准发布').isDisabled()).toBe(true)
    expect(await button(admin, '退回').isDisabled()).toBe(true)
    const status = await admin.evaluate(async () => {
      const version = location.pathname.split('/').at(-1)
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ decision: 'approve', reason: '' }),
      }
      return (await fetch(`/api/reviews/${version}/decision`, init)).status
    })
    expect(status).toBe(403)
  })
})

describe('in the store', () => {
  it('nothing of others is in the replica of somebody who is new', async () => {
    await signUp(user, trip.product.origin, {
      name: '用户',
      email: 'user@example.com',
      password: 'a long user password',
    })
    await untilReplica(user)
    const me = await user.evaluate(async () => (await (await fetch('/api/session')).json()).user.id)
    const tables = await replica<{ table_name: string }>(
      user,
      "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
    )
    expect(tables.length).toBeGreaterThan(10)
    for (const { table_name } of tables) {
      const rows = await replica(user, `select * from ${table_name}`)
      const owners = rows.flatMap((row) => row['user_id'] ?? row['developer_id'] ?? [])
      expect(new Set([...owners, me]), `${table_name} holds rows of others`).toEqual(new Set([me]))
      if (/^(?:agent|chat|message|branch|run|task)/.test(table_name)) expect(rows, table_name).toEqual([])
    }
  })

  it('it is found in Chinese, and rated only by who has used it', async () => {
    await move(user, '/store')
    await user.getByRole('searchbox').fill('诗词')
    const card = user.getByRole('listitem').filter({ hasText: NAME })
    await card.getByText('刚上架').waitFor()
    const agent = await listed(user)
    await user.getByRole('link', { name: NAME }).click()
    await user.getByText('和它聊过之后，就可以评分了。').waitFor()
    expect(await user.getByRole('radio').count()).toBe(0)
    const refused = await user.evaluate(async (id) => {
      const init = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"score":5}' }
      const reply = await fetch(`/api/store/agents/${id}/rating`, init)
      return (await reply.json()).error.code
    }, agent?.id)
    expect(refused).toBe('store/rate-after-use')
    await user.goBack()
    await card.getByRole('button', { name: /试用/ }).click()
    await user.waitForURL(/chat\/new/)
    await say(user, '床前明月光')
    await user.getByTestId('answer').getByText('word60').waitFor({ timeout: 30_000 })
  })

  it('a rating counts in average and number, and may be changed', async () => {
    const rate = async (page: Page, stars: number, comment: string) => {
      await page.getByRole('radio', { name: `${stars} 星` }).check({ force: true })
      await page.getByRole('textbox', { name: /用下来怎么样/ }).fill(comment)
      await page.getByRole('button', { name: /提交评分|修改评分/ }).click()
      await page.getByRole('listitem').filter({ hasText: comment }).waitFor()
    }
    const slug = (await listed(user))?.slug
    await move(user, `/store/${slug}`)
    await rate(user, 5, '一读就懂')
    await user.getByText('5.0 (1)').waitFor()
    await move(admin, `/store/${slug}`)
    await rate(admin, 2, '还可以更好')
    await admin.getByText('3.5 (2)').waitFor()
    await move(admin, '/store')
    await admin.getByRole('listitem').filter({ hasText: NAME }).getByText('3.5 (2)').waitFor()
    await move(user, '/store')
    await user.getByRole('link', { name: NAME }).click()
    await user.getByText('3.5 (2)').waitFor()
    expect(await user.getByRole('radio', { name: '5 星' }).isChecked()).toBe(true)
    await rate(user, 3, '再想想')
    await user.getByText('2.5 (2)').waitFor()
    expect(await user.getByText('一读就懂').count()).toBe(0)
    await move(developer, `/store/${slug}`)
    await developer.getByText('评分留给别人').waitFor()
    expect(await developer.getByRole('radio').count()).toBe(0)
  })

  it('the prompt stays with the author: not in the replica of who uses it, nor in anything the server says', async () => {
    const tables = await replica<{ table_name: string }>(
      user,
      "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
    )
    for (const { table_name } of tables) {
      const rows = await replica(user, `select * from ${table_name}`)
      expect(JSON.stringify(rows), table_name).not.toContain(SECRET)
    }
    const agent = await listed(user)
    const [install] = await replica<{ agent_id: string }>(user, 'select agent_id from v_agent_installs')
    expect(install?.agent_id).toBe(agent?.id)
    const answers = await user.evaluate(
      async (paths) => (await Promise.all(paths.map(async (path) => (await fetch(path)).text()))).join('\n'),
      ['/api/store/agents', `/api/store/agents/${agent?.slug}`, '/api/session'],
    )
    expect(answers).toContain(NAME)
    expect(answers).not.toContain(SECRET)
    expect(answers).not.toContain('platform-secret-key')
  })
})

it('leaves no error behind in any page, and nothing asked outside this machine', () => {
  expect(trip.trouble()).toEqual([])
})
