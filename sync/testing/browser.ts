import { createReadStream, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { build } from 'vite'
import { blankReplica } from '../../client/build/blank-replica.ts'
import { modelHttp, type ModelHttp } from './model-http.ts'
import { killProcess, processesBelow } from './processes.ts'
import type { ModelServer } from './model-server.ts'

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' }
const cache = fileURLToPath(new URL('../../.cache', import.meta.url))
const SYSTEM_CHROMIUM = '/usr/bin/chromium'

export interface BrowserHarness {
  /** The browser of now: another one after `kill`. */
  readonly context: BrowserContext
  http: ModelHttp
  /** Paths of the files that were asked for. */
  asked: string[]
  /** Opens a tab at another address of the same origin, without a store. */
  visit: (address: string) => Promise<Page>
  /** kill -9, and a new browser on the same profile. */
  kill: () => Promise<void>
  /** Opens a tab and waits for its store; `first` is code that runs in the page before its own. */
  open: (first?: string) => Promise<Page>
  /** Waits until `condition` (an expression over `page`, the `TestPage`) holds. */
  until: (tab: Page, condition: string, ms?: number) => Promise<void>
  close: () => Promise<void>
}

export const hasChromium = existsSync(SYSTEM_CHROMIUM)

/** Builds the test page, serves it with the model server's API, and starts a browser with a profile of its own. */
export async function browserHarness(model: ModelServer, { prebuilt = true } = {}): Promise<BrowserHarness> {
  const directory = mkdtempSync(path.join(tmpdir(), 'banyan-sync-'))
  const site = path.join(directory, 'site')
  await build({
    root: fileURLToPath(new URL('./page', import.meta.url)),
    configFile: false,
    logLevel: 'silent',
    plugins: prebuilt ? [blankReplica(cache)] : [],
    worker: { format: 'es' },
    build: { outDir: site, target: 'es2023', assetsInlineLimit: 0, minify: false },
  })
  const asked: string[] = []
  const lists = () => model.rows('chats').map((chat) => ({ ...chat, agent_name: null }))
  const http = modelHttp(
    model,
    (name) => (name === 'chat.list' ? lists() : []),
    (req, res) => {
      const { pathname } = new URL(req.url ?? '/', 'http://site')
      asked.push(pathname)
      const file = path.join(site, pathname === '/' ? 'index.html' : pathname)
      if (!existsSync(file)) return void res.writeHead(404).end()
      res.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream' })
      createReadStream(file).pipe(res)
    },
  )
  await new Promise<void>((resolve) => http.server.listen(0, '127.0.0.1', resolve))
  const address = http.server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const profile = path.join(directory, 'profile')
  const launch = () =>
    chromium.launchPersistentContext(profile, {
      executablePath: SYSTEM_CHROMIUM,
      args: ['--no-sandbox'],
      headless: true,
    })
  let context = await launch()
  const until = async (tab: Page, condition: string, ms = 40_000) => {
    await tab.waitForFunction(`(() => { const page = window.page; return page && (${condition}) })()`, null, {
      timeout: ms,
    })
  }
  return {
    get context() {
      return context
    },
    http,
    asked,
    until,
    visit: async (address) => {
      const tab = await context.newPage()
      await tab.goto(`http://127.0.0.1:${port}${address}`)
      return tab
    },
    kill: async () => {
      const closed = context.waitForEvent('close')
      for (const pid of processesBelow(process.pid, profile)) killProcess(pid)
      await closed
      context = await launch()
    },
    open: async (first) => {
      const tab = await context.newPage()
      if (first) await tab.addInitScript(first)
      await tab.goto(`http://127.0.0.1:${port}/?user=${model.user_id}`)
      await until(tab, 'true')
      return tab
    },
    close: async () => {
      await context.close()
      await http.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Cuts every tab off from the server's API, or lets it through again. The page itself still loads. */
export async function offline(context: BrowserContext, off: boolean): Promise<void> {
  if (!off) return context.unroute('**/api/**')
  await context.route('**/api/**', (route) => route.abort())
}

/** Files of all replicas on the device: `[paths, initialised databases]`. */
export async function replicaFiles(tab: Page): Promise<{ files: number; databases: number }> {
  return tab.evaluate(async () => {
    const found = { files: 0, databases: 0 }
    const walk = async (directory: FileSystemDirectoryHandle): Promise<void> => {
      for await (const [name, handle] of directory.entries()) {
        if (handle instanceof FileSystemDirectoryHandle) await walk(handle)
        else found.files++
        if (name === 'global') found.databases++
      }
    }
    await walk(await navigator.storage.getDirectory())
    return found
  })
}

/** Names of the replicas on the device: schema and generation. */
export async function replicaNames(tab: Page): Promise<string[]> {
  return tab.evaluate(async () => {
    const names: string[] = []
    const walk = async (directory: FileSystemDirectoryHandle, depth: number): Promise<void> => {
      for await (const [name, handle] of directory.entries()) {
        if (!(handle instanceof FileSystemDirectoryHandle)) continue
        if (depth === 0) names.push(name)
        else await walk(handle, depth - 1)
      }
    }
    await walk(await navigator.storage.getDirectory(), 2)
    return names.sort()
  })
}

/** Why a replica was thrown away, if one ever was on this device. */
export async function replicaTrouble(tab: Page, user_id: string): Promise<unknown> {
  return tab.evaluate(
    (name) =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open(name)
        opening.onerror = () => reject(opening.error)
        opening.onsuccess = () => {
          const asked = opening.result.transaction('meta').objectStore('meta').get('replica_trouble')
          asked.onsuccess = () => {
            opening.result.close()
            resolve(asked.result)
          }
        }
      }),
    `banyan-${user_id}`,
  )
}
