import type { Browser, BrowserContext, Page } from 'playwright-core'
import pg from 'pg'
import { newId } from '../../../../shared/kernel/id.ts'
import { devices, launchChromium } from '../../../kernel/testing/chromium.ts'
import { quantile, wait } from './figures.ts'

/** What a person sees of the replica, in two real browsers with one chat of 1,000 messages; ms. */
export interface ReplicaReport {
  /** From opening an empty browser until the end of the chat is on screen, and until all of it is in the replica. */
  first_visit: { shown: number; in_replica: number }
  /** From reloading without a network until the end of the chat is on screen. */
  reload_offline: number
  /** From Enter until the message is on screen. */
  write_shown: { p50: number; p95: number }
  /** From Enter until the message is on screen of the other browser. */
  other_device: { p50: number; p95: number }
}

export interface ReplicaBench {
  origin: string
  database: string
  cookie: string
  agent: { agent_id: string; agent_version_id: string }
}

const MESSAGES = 1000
const WRITES = 15
const LAST = `消息 ${MESSAGES}`

/** Null without a browser. */
export async function runReplicaBench(bench: ReplicaBench): Promise<ReplicaReport | null> {
  const browser = await launchChromium().catch(() => undefined)
  if (!browser) return null
  try {
    const chat = await makeChat(bench)
    const [here, there] = [await visitor(browser, bench), await visitor(browser, bench)]
    const first_visit = await visit(here.page, chat)
    await visit(there.page, chat)
    const writes = []
    for (let n = 1; n <= WRITES; n++) writes.push(await write(here.page, there.page, `第 ${n} 次`))
    await here.page.evaluate(async () => void (await navigator.serviceWorker.ready))
    await here.context.setOffline(true)
    await here.page.reload({ waitUntil: 'commit' })
    const reload_offline = (await seenAt(here.page, `第 ${WRITES} 次`)) - (await startOf(here.page))
    return {
      first_visit,
      reload_offline: Math.round(reload_offline),
      write_shown: spread(writes.map(({ shown }) => shown)),
      other_device: spread(writes.map(({ elsewhere }) => elsewhere)),
    }
  } finally {
    await browser.close()
  }
}

const spread = (values: number[]) => ({ p50: quantile(values, 0.5), p95: quantile(values, 0.95) })

/** A chat as a year of use leaves it: a line of questions and answers. */
async function makeChat({ database, cookie, agent }: ReplicaBench): Promise<string> {
  const db = new pg.Client({ connectionString: database })
  await db.connect()
  try {
    const token = decodeURIComponent(cookie.slice(cookie.indexOf('=') + 1)).split('.')[0]
    const { rows } = await db.query<{ user_id: string }>('select user_id from sessions where token = $1', [token])
    const [user_id, chat_id] = [rows[0]?.user_id, newId()]
    const ids = Array.from({ length: MESSAGES }, newId)
    await db.query(
      `insert into chats (id, user_id, agent_id, agent_version_id, title) values ($1, $2, $3, $4, '很长的对话')`,
      [chat_id, user_id, agent.agent_id, agent.agent_version_id],
    )
    await db.query(
      `insert into chat_messages (id, chat_id, user_id, parent_message_id, role, content)
       select id, $2, $3, lag(id) over (order by n), case when n % 2 = 1 then 'user' else 'assistant' end,
         '消息 ' || n || repeat(' 本地优先软件', (n * 7 % 40)::int)
       from unnest($1::uuid[]) with ordinality as r(id, n) order by n`,
      [ids, chat_id, user_id],
    )
    return chat_id
  } finally {
    await db.end()
  }
}

async function visitor(
  browser: Browser,
  { origin, cookie }: ReplicaBench,
): Promise<{ context: BrowserContext; page: Page }> {
  const context = await browser.newContext({ ...devices.desktop, baseURL: origin, bypassCSP: true })
  const at = cookie.indexOf('=')
  await context.addCookies([{ name: cookie.slice(0, at), value: cookie.slice(at + 1), url: origin }])
  const page = await context.newPage()
  await page.addInitScript(noteWhatIsSeen)
  return { context, page }
}

async function visit(page: Page, chat: string): Promise<ReplicaReport['first_visit']> {
  await page.goto(`/chat/${chat}`, { waitUntil: 'commit' })
  const [shown, start] = [await seenAt(page, LAST), await startOf(page)]
  for (;;) {
    const held = await page.evaluate(async (id) => {
      const rows = await window.banyan
        ?.query(`select count(*)::int as n from v_chat_messages where chat_id = '${id}'`)
        .catch(() => [])
      return Number(rows?.[0]?.['n'] ?? 0)
    }, chat)
    if (held >= MESSAGES) break
    await wait(20)
  }
  return { shown: Math.round(shown - start), in_replica: Math.round(Date.now() - start) }
}

async function write(here: Page, there: Page, text: string): Promise<{ shown: number; elsewhere: number }> {
  const composer = here.getByTestId('composer')
  await composer.fill(text)
  await composer.press('Enter')
  const [pressed, shown, elsewhere] = [await seenAt(here, 'Enter'), await seenAt(here, text), await seenAt(there, text)]
  // The next one goes below a finished answer.
  await here.getByTestId('stop').waitFor({ state: 'detached' })
  return { shown: shown - pressed, elsewhere: elsewhere - pressed }
}

const startOf = (page: Page) => page.evaluate(() => performance.timeOrigin)

/** When a text was first on screen, or Enter last pressed; ms since the epoch. */
async function seenAt(page: Page, what: string): Promise<number> {
  for (;;) {
    const at = await page.evaluate((text) => window.seen?.(text), what)
    if (at !== undefined) return at
    await wait(10)
  }
}

declare global {
  interface Window {
    seen?: (what: string) => number | undefined
    banyan?: { query: (sql: string, params?: unknown[]) => Promise<Record<string, unknown>[]> }
  }
}

/** Runs in the page before anything else: looks at the end of the conversation after every frame. */
function noteWhatIsSeen(): void {
  const first = new Map<string, number>()
  const now = () => performance.timeOrigin + performance.now()
  window.addEventListener('keydown', ({ key }) => first.set(key, now()), true)
  const look = () => {
    const log = document.querySelector('[role=log]')
    for (const line of (log?.textContent ?? '').slice(-4000).match(/消息 \d+|第 \d+ 次/g) ?? [])
      if (!first.has(line)) first.set(line, now())
    requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
  window.seen = (what) => first.get(what)
}
