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

export interface Person {
  name: string
  email: string
  password: string
}

export const ANNA: Person = { name: '安娜', email: 'anna@example.com', password: 'a long password of hers' }
export const BORIS: Person = { name: '柏里斯', email: 'boris@example.com', password: 'a long password of his' }

export async function signUp(page: Page, origin: string, person: Person): Promise<void> {
  await page.goto(`${origin}/sign-up`)
  await page.locator('input[autocomplete="name"]').fill(person.name)
  await page.locator('input[type="email"]').fill(person.email)
  await page.locator('input[type="password"]').fill(person.password)
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/chat/)
}

export type Account = Pick<Person, 'email' | 'password'>

export async function signIn(page: Page, origin: string, account: Account): Promise<void> {
  await page.goto(`${origin}/sign-in`)
  await giveAccount(page, account)
  await page.waitForURL(/\/chat/)
}

/** Fills in the sign-in form and sends it, wherever that leads. */
export async function giveAccount(page: Page, { email, password }: Account): Promise<void> {
  await page.locator('input[type="email"]').fill(email)
  await page.locator('input[type="password"]').fill(password)
  await page.keyboard.press('Enter')
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

/** Writes into the composer and sends it; the page may keep it there for a moment, until the chat has been read. */
export async function say(page: Page, text: string): Promise<void> {
  const composer = page.getByTestId('composer')
  await composer.fill(text)
  await composer.press('Enter')
  await eventually('it is taken', async () => (await composer.inputValue()) !== text)
}

/** A new chat with an agent that the person has; answers with its address once it is open. */
export async function sayInNewChat(page: Page, text: string): Promise<string> {
  await move(page, '/chat/new')
  await say(page, text)
  await page.waitForURL(/chat\/[0-9a-f-]{36}$/)
  // The address changes before the page does: until then there is the composer of the page before.
  await page.getByRole('log').getByText(text).first().waitFor()
  return page.url()
}

/** Makes an agent under its name, and answers with the address of its draft. The dialog must take what is typed. */
export async function makeAgent(page: Page, name: string): Promise<string> {
  await move(page, '/studio?new=1')
  const field = page.getByRole('dialog').getByRole('textbox').first()
  await field.waitFor()
  await eventually('the field has the focus', () => field.evaluate((element) => element === document.activeElement))
  await page.keyboard.type(name)
  await page.keyboard.press('Enter')
  await page.waitForURL(/studio\/[0-9a-f-]{36}/)
  await page.getByRole('heading', { level: 1, name }).waitFor()
  return page.url()
}

/** Waits until the page would open without the server: its files are stored, and the worker that serves them is there. */
export async function untilStored(page: Page): Promise<void> {
  await page.evaluate(async () => void (await navigator.serviceWorker.ready))
}

/** To another page as a link would, without starting the app anew; comes back once that page is drawn. */
export async function move(page: Page, path: string): Promise<void> {
  // Right after a start there is no router yet, and nobody to listen.
  await page.waitForFunction(() => Reflect.has(document.querySelector('#app') ?? {}, '__vue_app__'))
  const failure = await page.evaluate(async (to): Promise<unknown> => {
    const app = Reflect.get(document.querySelector('#app') ?? {}, '__vue_app__')
    const failed = await app.config.globalProperties.$router.push(to)
    // Drawing is a microtask away.
    await new Promise((resolve) => setTimeout(resolve))
    return failed?.type
  }, path)
  // Vue Router's number for "you are there".
  if (failure !== undefined && failure !== 16) throw new Error(`the way to ${path} was cut: ${String(failure)}`)
}

/** What is kept on this device of texts that have not been sent. */
export async function composed(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const names = (await indexedDB.databases()).map(({ name }) => name ?? '')
    const db = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(names.find((name) => /^banyan-[0-9a-f-]{36}$/.test(name)) ?? '')
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
    const rows = await new Promise<{ text: string }[]>((resolve) => {
      const request = db.transaction('composer').objectStore('composer').getAll()
      request.onsuccess = () => resolve(request.result)
    })
    db.close()
    return rows.map(({ text }) => text)
  })
}

/** Messages of a chat as the server has them. */
export async function messagesOnServer(page: Page, chat_id: string): Promise<Record<string, unknown>[]> {
  return page.evaluate(async (id) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' } }
    const body = JSON.stringify({ params: { chat_id: id } })
    return (await (await fetch('/api/query/chat.messages', { ...init, body })).json()).rows
  }, chat_id)
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
