import { tmpdir } from 'node:os'
import type { BrowserContext, Page } from 'playwright-core'

/** What went wrong in a page: any of it fails the journey that asks. */
export interface Trouble {
  readonly lines: string[]
}

/** Notes page errors, errors on the console, and every request that leaves the machine. */
export function watch(page: Page, ...origins: string[]): Trouble {
  const lines: string[] = []
  page.on('pageerror', (error) => lines.push(`page error: ${error.message}`))
  page.on('console', (message) => {
    // A dead server is part of these journeys; everything else that the console calls an error is not.
    if (
      message.type() === 'error' &&
      !/net::ERR_|Failed to load resource|WebSocket connection|when fetching the script/.test(message.text())
    ) {
      lines.push(`console: ${message.text()}`)
    }
  })
  page.on('request', (request) => {
    const url = request.url()
    if (!origins.some((origin) => url.startsWith(origin)) && !/^(data|blob):/.test(url)) lines.push(`request to ${url}`)
  })
  return { lines }
}

/** Rows of the person's own replica. */
export async function replica<R = Record<string, unknown>>(page: Page, sql: string): Promise<R[]> {
  return page.evaluate(async (text) => {
    const banyan: unknown = Reflect.get(window, 'banyan')
    const query: unknown = typeof banyan === 'object' && banyan !== null ? Reflect.get(banyan, 'query') : undefined
    if (typeof query !== 'function') throw new Error('window.banyan.query is not there')
    return query(text)
  }, sql)
}

/** Waits until `ask` gives a truthy answer, and returns it. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined | false | null>,
  ms = 20_000,
): Promise<T> {
  const until = Date.now() + ms
  let last: unknown
  while (Date.now() < until) {
    try {
      const answer = await ask()
      if (answer) return answer
    } catch (error) {
      last = error
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${what}: not within ${ms} ms${last ? ` (${String(last)})` : ''}`)
}

export async function signUp(
  page: Page,
  origin: string,
  person: { name: string; email: string; password: string },
): Promise<void> {
  await page.goto(`${origin}/sign-up`)
  await page.locator('input[autocomplete="name"]').fill(person.name)
  await page.locator('input[type="email"]').fill(person.email)
  await page.locator('input[type="password"]').fill(person.password)
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/chat/)
}

export async function signIn(page: Page, origin: string, person: { email: string; password: string }): Promise<void> {
  await page.goto(`${origin}/sign-in`)
  await page.locator('input[type="email"]').fill(person.email)
  await page.locator('input[type="password"]').fill(person.password)
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/chat/)
}

/** Waits until the replica serves this page, not the server. */
export async function untilReplica(page: Page): Promise<void> {
  await eventually(
    'the replica',
    async () => (await replica(page, 'select count(*)::int as n from v_chats')).length === 1,
    60_000,
  )
}

/** A page that may ask nobody but `origins`. */
export async function newPage(
  context: BrowserContext,
  ...origins: string[]
): Promise<{ page: Page; trouble: Trouble }> {
  const page = await context.newPage()
  return { page, trouble: watch(page, ...origins) }
}

/** Writes into the composer and sends it. */
export async function say(page: Page, text: string): Promise<void> {
  const composer = page.getByTestId('composer')
  await composer.fill(text)
  await composer.press('Enter')
}

/** A new chat with an agent that the person has; answers with its address once it is open. */
export async function sayInNewChat(page: Page, text: string): Promise<string> {
  await moveToNewChat(page)
  await say(page, text)
  await page.waitForURL(/chat\/[0-9a-f-]{36}$/)
  return page.url()
}

/** Waits until the page would open without the server: its files are stored, and the worker that serves them is there. */
export async function untilStored(page: Page): Promise<void> {
  await page.evaluate(async () => void (await navigator.serviceWorker.ready))
}

/** Where chats begin. The composer of the chat before is still there when the address has changed. */
export async function moveToNewChat(page: Page): Promise<void> {
  // Right after a start nobody listens to the address yet.
  await eventually('the new chat', async () => {
    await move(page, '/chat/new')
    const heading = page.getByRole('heading', { level: 1, name: /^(新对话|New chat)$/ })
    return heading.waitFor({ timeout: 2_000 }).then(() => true)
  })
}

/** To another page as a link would: without starting the app anew. */
export async function move(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => {
    history.pushState(null, '', to)
    dispatchEvent(new PopStateEvent('popstate', { state: null }))
  }, path)
}

/** Adds the assistant, as "try" in the store does. */
export async function addAssistant(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const { agent } = await (await fetch('/api/store/agents/assistant')).json()
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
    await fetch(`/api/store/agents/${agent.id}/install`, init)
  })
  await eventually('the install', async () => (await replica(page, 'select 1 as one from v_agent_installs')).length > 0)
}

/** Pictures of what people saw when a test failed, for whoever has to find out why. */
export async function photograph(
  journey: string,
  task: { name: string; result?: { state?: string } },
  pages: Iterable<Page>,
) {
  if (task.result?.state !== 'fail') return
  let at = 0
  for (const page of pages)
    await page
      .screenshot({ path: `${tmpdir()}/${journey}-${task.name.slice(0, 24).replaceAll(' ', '-')}-${(at += 1)}.png` })
      .catch(() => undefined)
}
