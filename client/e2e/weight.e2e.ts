import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { weighChat } from '../../server/app/testing/chat-weight.ts'
import { devices, launchChromium } from '../../server/kernel/testing/chromium.ts'
import { signIn } from './person.ts'
import { ADMIN, createProduct, type Product } from './product.ts'

/** What is promised: JavaScript of the page's own thread until the first usable chat, gzipped, KB. */
const BUDGET_KB = 180

let product: Product
let browser: Browser

beforeAll(async () => {
  product = await createProduct()
  await product.start()
  browser = await launchChromium()
}, 120_000)

afterAll(async () => {
  await browser.close()
  await product.remove()
})

it.each(['desktop', 'phone'] as const)('loads little until a chat can be written and read, on a %s', async (name) => {
  const context = await browser.newContext(devices[name])
  await signIn(await context.newPage(), product.origin, ADMIN)
  const cookies = await context.cookies()
  await context.close()
  const weight = await weighChat({ browser, origin: product.origin, cookies, device: devices[name] })
  // Less than a framework alone would mean that nothing was seen.
  expect(weight.open_chat_kb).toBeGreaterThan(60)
  expect(weight.js_kb, JSON.stringify(weight, null, 2)).toBeLessThanOrEqual(BUDGET_KB)
})
