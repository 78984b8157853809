import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { devices, launchChromium } from '../../server/kernel/testing/chromium.ts'
import { eventually, newPage, replica, signIn, untilReplica, type Trouble } from './person.ts'
import { ADMIN, createProduct, type Product } from './product.ts'

/** Every page, phone and desktop, Chinese and English, light and dark: no violation of accessibility rules, no error. */

let product: Product
let browser: Browser
let axe: string
const troubles: Trouble[] = []
const shots = process.env['E2E_SHOTS']

beforeAll(async () => {
  product = await createProduct()
  await product.start()
  browser = await launchChromium()
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
}, 120_000)

afterAll(async () => {
  await browser.close()
  await product.remove()
})

interface Violation {
  id: string
  nodes: { target: string[]; failureSummary: string }[]
}

async function violations(page: Page): Promise<string[]> {
  // The page's own policy forbids injected scripts; the protocol's evaluate is not bound by it.
  const found = await page.evaluate(async (source): Promise<Violation[]> => {
    const run = new Function(`${source}; return axe`)
    const checker: { run: (context: Document, options: unknown) => Promise<{ violations: Violation[] }> } = run()
    const options = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }
    return (await checker.run(document, options)).violations
  }, axe)
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`)
}

let ids: { chat: string; agent: string } | undefined

const looks = [
  { name: 'desktop zh light', device: devices.desktop, locale: 'zh-CN', scheme: 'light' },
  { name: 'desktop en dark', device: devices.desktop, locale: 'en-US', scheme: 'dark' },
  { name: 'phone zh dark', device: devices.phone, locale: 'zh-CN', scheme: 'dark' },
  { name: 'phone en light', device: devices.phone, locale: 'en-US', scheme: 'light' },
] as const

describe.each(looks)('$name', (look) => {
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    context = await browser.newContext({
      ...look.device,
      locale: look.locale,
      colorScheme: look.scheme,
      bypassCSP: true,
    })
    const opened = await newPage(context, product.origin)
    page = opened.page
    troubles.push(opened.trouble)
    await page.goto(`${product.origin}/sign-in`)
  })
  afterAll(() => context.close())

  async function check(path: string): Promise<void> {
    await move(page, path)
    await page.waitForTimeout(700)
    if (shots)
      await page.screenshot({
        path: `${shots}/${look.name.replaceAll(' ', '-')}-${path.split('/').slice(1, 3).join('-').slice(0, 24) || 'home'}.png`,
      })
    expect(await violations(page), path).toEqual([])
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    )
    expect(overflow, `${path} scrolls sideways`).toBeLessThanOrEqual(0)
  }

  it('has clean doors', async () => {
    for (const path of ['/sign-in', '/sign-up', '/set-up']) await check(path)
  })

  it('has clean pages for who is signed in', async () => {
    await signIn(page, product.origin, ADMIN)
    await untilReplica(page)
    ids ??= await furnish(page)
    for (const path of [
      '/chat',
      '/chat/new',
      `/chat/${ids.chat}`,
      '/store',
      '/store/meeting-minutes',
      '/studio',
      `/studio/${ids.agent}`,
      '/review',
      '/settings',
      '/no-such-page',
    ]) {
      await check(path)
    }
    const settings = await move(page, '/settings')
      .then(() => page.locator('a[href^="/settings/"]').filter({ visible: true }).first().waitFor())
      .then(() =>
        page
          .locator('a[href^="/settings/"]')
          .evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? '')),
      )
    for (const path of new Set(settings)) await check(path)
  }, 180_000)
})

it('leaves no error behind in any page, and nothing asked outside this machine', () => {
  expect(troubles.flatMap(({ lines }) => lines)).toEqual([])
})

it('can be installed, and says so to the browser', async () => {
  const { page } = await newPage(await browser.newContext(devices.desktop), product.origin)
  await page.goto(`${product.origin}/sign-in`)
  const session = await page.context().newCDPSession(page)
  const { errors } = await session.send('Page.getAppManifest')
  expect(errors).toEqual([])
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors')
  expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([])
})

/** To another page as a link would: without starting the app anew each time. */
async function move(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => {
    history.pushState({}, '', to)
    dispatchEvent(new PopStateEvent('popstate', { state: history.state }))
  }, path)
}

/** A chat with an answer and an agent with a draft, so that pages have something to show. */
async function furnish(page: Page): Promise<{ chat: string; agent: string }> {
  await page.goto(`${product.origin}/store/assistant`)
  await page.evaluate(async () => {
    const reply = await fetch('/api/store/agents/assistant')
    const { agent } = await reply.json()
    await fetch(`/api/store/agents/${agent.id}/install`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
  })
  await eventually('the install', async () => (await replica(page, 'select 1 as one from v_agent_installs')).length > 0)
  await page.goto(`${product.origin}/chat/new`)
  await page.locator('textarea').last().fill('给我看看 **Markdown**、表格和代码')
  await page.locator('textarea').last().press('Enter')
  await page.waitForURL(/chat\/[0-9a-f-]{36}$/)
  await page.getByText('word60').first().waitFor({ timeout: 30_000 })
  const chat = page.url().split('/').at(-1) ?? ''
  await page.goto(`${product.origin}/studio`)
  await page
    .getByRole('button', { name: /新建|创建|New|Create/ })
    .first()
    .click()
  await page.getByRole('dialog').getByRole('textbox').first().fill('周报')
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /创建|新建|Create|New/ })
    .last()
    .click()
  await page.waitForURL(/studio\/[0-9a-f-]{36}/)
  return { chat, agent: page.url().split('/').at(-1) ?? '' }
}
