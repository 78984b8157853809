import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { devices } from '../../server/kernel/testing/chromium.ts'
import { violations } from './axe.ts'
import { journey } from './journey.ts'
import { addAssistant, makeAgent, move, sayInNewChat, signIn, untilReplica } from './person.ts'
import { ADMIN } from './product.ts'

/**
 * Every page, phone and desktop, Chinese and English, light and dark: no violation of accessibility rules, no error.
 * With E2E_SHOTS=<folder>, a picture of each.
 */

const trip = journey('pages', { model: { tokens_per_second: 400 } })
const shots = process.env['E2E_SHOTS']

/** Goes to a page and waits until all of it is there: nothing busy, nothing fading in. */
async function draw(page: Page, path: string): Promise<void> {
  await move(page, path)
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'), undefined, { polling: 50 })
  await page.evaluate(async () => {
    const ending = document.getAnimations().filter((each) => each.effect?.getTiming().iterations !== Infinity)
    await Promise.all(ending.map((each) => each.finished.catch(() => undefined)))
  })
}

let ids: { chat: string; agent: string; review: string } | undefined

/** Two looks a device; between them every combination of language and colours is seen once on each side. */
const visits = [
  { name: 'desktop', device: devices.desktop, looks: ['zh-CN light', 'en dark'] },
  { name: 'phone', device: devices.phone, looks: ['zh-CN dark', 'en light'] },
] as const

describe.each(visits)('on a $name', ({ name, device, looks }) => {
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    context = await trip.browser.newContext({ ...device, bypassCSP: true })
    page = await trip.open(context)
    await page.goto(`${trip.product.origin}/sign-in`)
  })
  afterAll(() => context.close())

  async function wear(look: string): Promise<void> {
    const [language, scheme] = look.split(' ')
    await page.emulateMedia({ colorScheme: scheme === 'dark' ? 'dark' : 'light' })
    if ((await page.evaluate(() => document.documentElement.lang)) === language) return
    const door = page.getByRole('button', { name: language === 'en' ? 'English' : '中文' })
    if (await door.count()) await door.click()
    else {
      await page.keyboard.press('Control+k')
      const palette = page.getByRole('dialog')
      const command = language === 'en' ? 'Switch to English' : '切换到中文'
      await palette.getByRole('combobox').fill(command)
      await palette.getByRole('option', { name: command }).click()
    }
    await page.waitForFunction((chosen) => document.documentElement.lang === chosen, language)
  }

  async function check(look: string, path: string): Promise<void> {
    await draw(page, path)
    if (shots) {
      const file = `${name}-${look}-${path.split('/').slice(1, 3).join('-').slice(0, 24) || 'home'}`
      await page.screenshot({ path: `${shots}/${file.replaceAll(' ', '-')}.png` })
    }
    expect(await violations(page), `${look} ${path}`).toEqual([])
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    )
    expect(overflow, `${look} ${path} scrolls sideways`).toBeLessThanOrEqual(0)
  }

  it.each(looks)('has clean doors: %s', async (look) => {
    await wear(look)
    for (const path of ['/sign-up', '/sign-in', '/set-up']) await check(look, path)
  })

  it('lets somebody in', async () => {
    await signIn(page, trip.product.origin, ADMIN)
    await untilReplica(page)
    ids ??= await furnish(page)
  })

  it.each(looks)('has clean pages: %s', async (look) => {
    await wear(look)
    for (const path of [
      '/chat',
      '/chat/new',
      `/chat/${ids?.chat}`,
      '/store',
      '/store/meeting-minutes',
      '/studio',
      `/studio/${ids?.agent}`,
      `/studio/${ids?.agent}?tab=flow`,
      `/studio/${ids?.agent}?tab=versions`,
      '/review',
      `/review/${ids?.review}`,
      '/no-such-page',
      '/settings',
    ]) {
      await check(look, path)
    }
    const links = page.locator('a[href^="/settings/"]')
    const settings = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href') ?? ''))
    expect(new Set(settings).size).toBeGreaterThan(4)
    for (const path of new Set(settings)) await check(look, path)
  })
})

it('leaves no error behind in any page, and nothing asked outside this machine', () => {
  expect(trip.trouble()).toEqual([])
})

it('can be installed, and says so to the browser', async () => {
  const page = await trip.open()
  await page.goto(`${trip.product.origin}/sign-in`)
  const session = await page.context().newCDPSession(page)
  const { errors } = await session.send('Page.getAppManifest')
  expect(errors).toEqual([])
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors')
  expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([])
})

/** A chat with an answer, and an agent with a draft and a version in review, so that pages have something to show. */
async function furnish(page: Page): Promise<{ chat: string; agent: string; review: string }> {
  await addAssistant(page)
  trip.product.model.set({
    answer: '# 标题\n\n**粗体**、`代码`\n\n| 甲 | 乙 |\n|-|-|\n| 1 | 2 |\n\n```js\nlet a = 1\n```\n',
  })
  const chat = (await sayInNewChat(page, '给我看看表格和代码')).split('/').at(-1) ?? ''
  await page.getByTestId('answer').getByText('粗体').waitFor()
  const agent = (await makeAgent(page, '周报')).split('/').at(-1) ?? ''
  await page
    .getByText(/已同步|Synced/)
    .first()
    .waitFor()
  await page.getByRole('button', { name: /提交审核|Submit for review/ }).click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^(?:提交|Submit)$/ })
    .click()
  await page.waitForURL(/tab=versions/)
  const review = await page.evaluate(async () => (await (await fetch('/api/reviews?state=open')).json()).reviews[0])
  return { chat, agent, review: review.version_id }
}
