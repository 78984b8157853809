import { tmpdir } from 'node:os'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { devices, launchChromium } from '../../server/kernel/testing/chromium.ts'
import { eventually, newPage, replica, signIn, signUp, untilReplica, type Trouble } from './person.ts'
import { ADMIN, createProduct, type Product } from './product.ts'

/** The whole loop: an agent is made, tried, submitted, approved by another person, found, and used by a third. */

let product: Product
let browser: Browser
const troubles: Trouble[] = []
const pages = new Map<string, Page>()
const SECRET = '只有作者知道的提示词'

beforeAll(async () => {
  product = await createProduct()
  await product.start()
  browser = await launchChromium()
  for (const name of ['developer', 'admin', 'user']) {
    const { page, trouble } = await newPage(await browser.newContext(devices.desktop), product.origin)
    pages.set(name, page)
    troubles.push(trouble)
  }
}, 120_000)

afterAll(async () => {
  await browser.close()
  await product.remove()
})

// What people would have seen, for whoever has to find out why.
afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return
  for (const [name, page] of pages)
    await page
      .screenshot({ path: `${tmpdir()}/loop-${task.name.slice(0, 20).replaceAll(' ', '-')}-${name}.png` })
      .catch(() => undefined)
})

function pageOf(name: string): Page {
  const page = pages.get(name)
  if (!page) throw new Error(`nobody is ${name}`)
  return page
}

describe('the loop of the product', () => {
  it('lets a developer make an agent and try the draft', async () => {
    const page = pageOf('developer')
    await signUp(page, product.origin, {
      name: '开发者',
      email: 'dev@example.com',
      password: 'a long developer password',
    })
    await page.goto(`${product.origin}/studio`)
    await page
      .getByRole('button', { name: /新建|创建/ })
      .first()
      .click()
    await page.getByRole('dialog').getByRole('textbox').first().fill('诗词鉴赏')
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /创建|新建/ })
      .click()
    await page.waitForURL(/studio\/[0-9a-f-]{36}/)
    await page
      .getByRole('textbox', { name: /提示词/ })
      .first()
      .fill(SECRET)
    await untilReplica(page)
    await eventually('the draft has reached the server', async () => {
      const rows = await replica<{ system_prompt: string }>(page, 'select system_prompt from agent_drafts_synced')
      return rows.some(({ system_prompt }) => system_prompt === SECRET)
    })
    await page
      .getByRole('button', { name: '试聊' })
      .or(page.getByRole('link', { name: '试聊' }))
      .first()
      .click()
    await page.waitForURL(/chat\/new/)
    await page.locator('textarea').last().fill('你好')
    await page.locator('textarea').last().press('Enter')
    await page.getByText('word60').first().waitFor({ timeout: 30_000 })
    expect(JSON.stringify(product.model.requests.at(-1)?.body.messages)).toContain(SECRET)
  })

  it('lets the developer submit it, and shows it to nobody yet', async () => {
    const page = pageOf('developer')
    await page.goto(`${product.origin}/studio`)
    await page.getByText('诗词鉴赏').first().click()
    await page.getByRole('button', { name: '提交审核' }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox').last().fill('首个版本')
    await dialog.getByRole('button', { name: /提交/ }).last().click()
    await page.getByText('审核中').first().waitFor()
  })

  it('lets a reviewer read, try and approve it', async () => {
    const page = pageOf('admin')
    await signIn(page, product.origin, ADMIN)
    await page.goto(`${product.origin}/review`)
    await page.getByText('诗词鉴赏').first().click()
    await page.getByText(SECRET).first().waitFor()
    await page
      .getByRole('button', { name: /试用|试一试|试聊/ })
      .first()
      .click()
    await page.waitForURL(/chat\/[0-9a-f-]{36}/)
    await page.locator('textarea').last().fill('试一下')
    await page.locator('textarea').last().press('Enter')
    await page.getByText('word60').first().waitFor({ timeout: 30_000 })
    await page.goto(`${product.origin}/review`)
    await page.getByText('诗词鉴赏').first().click()
    await page.getByRole('button', { name: '批准发布' }).first().click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /批准|发布|确定/ })
      .last()
      .click()
    await eventually('the version is current', async () => {
      const reply = await page.evaluate(async () =>
        (await fetch('/api/store/agents?q=' + encodeURIComponent('诗词'))).json(),
      )
      return reply.total === 1
    })
  })

  it('lets a user find it in Chinese, open it with no settings, chat, and rate it', async () => {
    const page = pageOf('user')
    await signUp(page, product.origin, { name: '用户', email: 'user@example.com', password: 'a long user password' })
    await page.goto(`${product.origin}/store`)
    await page.getByRole('searchbox').or(page.locator('input[type="search"]')).first().fill('诗词')
    await page.getByText('诗词鉴赏').first().waitFor()
    await page.getByRole('button', { name: '试用' }).first().click()
    await page.waitForURL(/chat\/new/)
    await untilReplica(page)
    await page.locator('textarea').last().fill('床前明月光')
    await page.locator('textarea').last().press('Enter')
    await page.getByText('word60').first().waitFor({ timeout: 30_000 })
  })

  it('keeps the prompt out of the user’s replica and out of everything the server told them', async () => {
    const page = pageOf('user')
    const tables = await replica<{ table_name: string }>(
      page,
      "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
    )
    for (const { table_name } of tables) {
      const rows = await replica(page, `select * from ${table_name}`)
      expect(JSON.stringify(rows), table_name).not.toContain(SECRET)
    }
    const [install] = await replica<{ agent_id: string }>(page, 'select agent_id from v_agent_installs limit 1')
    expect(install).toBeDefined()
    const answers = await page.evaluate(async () => {
      const texts = await Promise.all(
        ['/api/store/agents', '/api/store/agents/assistant', '/api/session'].map(async (path) =>
          (await fetch(path)).text(),
        ),
      )
      return texts.join('\n')
    })
    expect(answers).not.toContain(SECRET)
    expect(answers).not.toContain('platform-secret-key')
  })

  it('leaves no error behind in any page, and nothing asked outside this machine', () => {
    expect(troubles.flatMap(({ lines }) => lines)).toEqual([])
  })
})
