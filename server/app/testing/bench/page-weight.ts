import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { devices, launchChromium } from '../../../kernel/testing/chromium.ts'
import { weighChat, type ChatWeight } from '../chat-weight.ts'

export interface PageWeight {
  /** Main thread's JavaScript until the first usable chat, KB; the promise is 180. Null without a browser to ask. */
  chat: Omit<ChatWeight, 'files'> | null
  /** Style sheets that index.html names, gzipped, KB. */
  css_kb: number
  /** Everything built, gzipped, KB: what the service worker fetches in peace. */
  all_kb: number
}

/** What the built client weighs over the wire; a KB has 1000 bytes. Null before a build. */
export async function pageWeight(directory: string, origin: string, cookie: string): Promise<PageWeight | null> {
  const html = await readFile(path.join(directory, 'index.html'), 'utf8').catch(() => undefined)
  if (html === undefined) return null
  const weigh = async (file: string) => gzipSync(await readFile(path.join(directory, file)), { level: 9 }).byteLength
  let css = 0
  for (const [, file] of html.matchAll(/href="(\/assets\/[^"]+\.css)"/g)) css += await weigh(file ?? '')
  let all = 0
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && !/\.(br|gz|map)$/.test(entry.name))
      all += await weigh(path.relative(directory, path.join(entry.parentPath, entry.name)))
  }
  return {
    chat: await chatWeight(origin, cookie),
    css_kb: Math.round(css / 1000),
    all_kb: Math.round(all / 1000),
  }
}

async function chatWeight(origin: string, cookie: string): Promise<PageWeight['chat']> {
  const browser = await launchChromium().catch(() => undefined)
  if (!browser) return null
  const at = cookie.indexOf('=')
  const cookies = [{ name: cookie.slice(0, at), value: cookie.slice(at + 1) }]
  try {
    const { files: _, ...weight } = await weighChat({ browser, origin, cookies, device: devices.desktop })
    return weight
  } catch (error) {
    process.stderr.write(`the page could not be weighed: ${error instanceof Error ? error.message : String(error)}\n`)
    return null
  } finally {
    await browser.close()
  }
}
