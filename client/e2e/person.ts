import type { BrowserContext, Page } from 'playwright-core'

/** What went wrong in a page: any of it fails the journey that asks. */
export interface Trouble {
  readonly lines: string[]
}

/** Notes page errors, errors on the console, and every request that leaves the machine. */
export function watch(page: Page, origin: string): Trouble {
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
    if (!url.startsWith(origin) && !/^(data|blob):/.test(url)) lines.push(`request to ${url}`)
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

export async function newPage(context: BrowserContext, origin: string): Promise<{ page: Page; trouble: Trouble }> {
  const page = await context.newPage()
  return { page, trouble: watch(page, origin) }
}
