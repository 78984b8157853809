import { existsSync } from 'node:fs'
import { chromium, type Browser, type BrowserContext, type LaunchOptions } from 'playwright-core'

// Quiet: no traffic of its own, so that a test may fail on any request that leaves 127.0.0.1.
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const systemBrowsers = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** Starts the system's Chromium (or CHROMIUM_PATH), else the one that npm brought. Close it in `afterAll`. */
export async function launchChromium(options: LaunchOptions = {}): Promise<Browser> {
  return chromium.launch(await withDefaults(options))
}

/** The same with a profile on disk, for what needs one: installability, storage that outlives the browser. */
export async function launchPersistentChromium(
  userDataDir: string,
  options: Parameters<typeof chromium.launchPersistentContext>[1] = {},
): Promise<BrowserContext> {
  return chromium.launchPersistentContext(userDataDir, { ...options, ...(await withDefaults(options)) })
}

/** Context options of the two devices that every journey is made on. */
export const devices = {
  phone: {
    viewport: { width: 390, height: 844 },
    isMobile: true,
    hasTouch: true,
    deviceScaleFactor: 2,
    locale: 'zh-CN',
  },
  desktop: { viewport: { width: 1280, height: 800 }, locale: 'zh-CN' },
} as const

async function withDefaults(options: LaunchOptions): Promise<LaunchOptions> {
  const executablePath = options.executablePath ?? (await findChromium())
  return { ...options, executablePath, args: [...flags, ...(options.args ?? [])] }
}

async function findChromium(): Promise<string> {
  const named = process.env['CHROMIUM_PATH']
  const system = [named, ...systemBrowsers].find((file) => file && existsSync(file))
  if (system) return system
  // Unpacks itself into the temporary folder; Linux on x64 only.
  const { default: packed } = await import('@sparticuz/chromium')
  return packed.executablePath()
}
