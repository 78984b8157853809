import { gzipSync } from 'node:zlib'
import type { Browser, BrowserContext, BrowserContextOptions, CDPSession, Cookie, Page } from 'playwright-core'

/** What the page's own thread loads of JavaScript, gzipped, in KB of 1000 bytes. Workers are threads of their own. */
export interface ChatWeight {
  /** Until a signed-in person has written in a new chat and reads the answer. */
  new_chat_kb: number
  /** Until a chat of before is open, its Markdown drawn. */
  open_chat_kb: number
  /** Both together, each file once: what is promised to stay small. */
  js_kb: number
  /** Heaviest first. */
  files: { file: string; kb: number }[]
}

export interface Visitor {
  browser: Browser
  origin: string
  /** Of a session. */
  cookies: Pick<Cookie, 'name' | 'value'>[]
  device: BrowserContextOptions
}

/** No script for so long means that the page has what it wants, ms. */
const QUIET_MS = 1500

/** Weighs what a browser with an empty cache loads, as its debugger reports it. */
export async function weighChat(visitor: Visitor): Promise<ChatWeight> {
  await visit(visitor, installAssistant)
  let chat = ''
  const written = await visit(visitor, async (page) => {
    await page.goto(`${visitor.origin}/chat/new`)
    await page.locator('textarea').last().fill('一二三')
    await page.locator('textarea').last().press('Enter')
    await page.waitForURL(/\/chat\/[0-9a-f-]{36}$/)
    await page.locator('.md').first().waitFor()
    chat = page.url()
  })
  const read = await visit(visitor, async (page) => {
    await page.goto(chat)
    await page.locator('.md').first().waitFor()
  })
  const sizes = new Map<string, number>()
  for (const url of new Set([...written, ...read])) sizes.set(url, await weigh(url))
  const sum = (urls: Iterable<string>) => kilobytes([...urls].reduce((total, url) => total + (sizes.get(url) ?? 0), 0))
  return {
    new_chat_kb: sum(written),
    open_chat_kb: sum(read),
    js_kb: sum(sizes.keys()),
    files: [...sizes]
      .sort(([, a], [, b]) => b - a)
      .map(([url, size]) => ({ file: new URL(url).pathname, kb: kilobytes(size) })),
  }
}

async function installAssistant(page: Page): Promise<void> {
  await page.goto('/store/assistant')
  await page.evaluate(async () => {
    const { agent } = await (await fetch('/api/store/agents/assistant')).json()
    await fetch(`/api/store/agents/${agent.id}/install`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
  })
}

/** The scripts of one visit in a fresh browser, until no more come. */
async function visit(
  { browser, origin, cookies, device }: Visitor,
  go: (page: Page) => Promise<void>,
): Promise<Set<string>> {
  const context: BrowserContext = await browser.newContext({ ...device, baseURL: origin })
  await context.addCookies(cookies.map(({ name, value }) => ({ name, value, url: origin })))
  const page = await context.newPage()
  const scripts = await follow(await context.newCDPSession(page), origin)
  await go(page)
  for (let before = -1; before < scripts.size;) {
    before = scripts.size
    await page.waitForTimeout(QUIET_MS)
  }
  await context.close()
  return scripts
}

/** A page's debugger hears of its own thread alone; a worker has a debugger of its own. */
async function follow(session: CDPSession, origin: string): Promise<Set<string>> {
  const scripts = new Set<string>()
  session.on('Debugger.scriptParsed', ({ url }) => {
    if (url.startsWith(origin)) scripts.add(url)
  })
  await session.send('Debugger.enable')
  return scripts
}

async function weigh(url: string): Promise<number> {
  return gzipSync(Buffer.from(await (await fetch(url)).arrayBuffer()), { level: 9 }).byteLength
}

const kilobytes = (size: number) => Math.round(size / 100) / 10
