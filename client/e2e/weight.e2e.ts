import { expect, it } from 'vitest'
import { weighChat } from '../../server/app/testing/chat-weight.ts'
import { devices } from '../../server/kernel/testing/chromium.ts'
import { journey } from './journey.ts'
import { signIn } from './person.ts'
import { ADMIN } from './product.ts'

/** What is promised: JavaScript of the page's own thread until the first usable chat, gzipped, KB. */
const BUDGET_KB = 180

const trip = journey('weight')

it.each(['desktop', 'phone'] as const)('loads little until a chat can be written and read, on a %s', async (name) => {
  const { browser, product } = trip
  const context = await browser.newContext(devices[name])
  await signIn(await context.newPage(), product.origin, ADMIN)
  const cookies = await context.cookies()
  await context.close()
  const weight = await weighChat({ browser, origin: product.origin, cookies, device: devices[name] })
  // Less than a framework alone would mean that nothing was seen.
  expect(weight.open_chat_kb).toBeGreaterThan(60)
  expect(weight.js_kb, JSON.stringify(weight, null, 2)).toBeLessThanOrEqual(BUDGET_KB)
})
