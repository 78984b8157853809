import type { BrowserContextOptions, Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { devices } from '../../server/kernel/testing/chromium.ts'
import { journey } from './journey.ts'
import { composed, eventually, signIn, untilReplica, type Account } from './person.ts'
import { ADMIN } from './product.ts'

/** The ways from one part of the product into another. */

const REVIEWER = { name: '阮审', email: 'reviewer@example.com', password: 'a long reviewer password' }
const EXAMPLE = '用三个要点解释什么是检索增强生成'
const trip = journey('ways')

async function signedIn(device: BrowserContextOptions, account: Account): Promise<Page> {
  const page = await trip.open(device)
  await signIn(page, trip.product.origin, account)
  return page
}

it('takes an example of the store into the composer of a new chat, and keeps what was being written there', async () => {
  const page = await signedIn(devices.desktop, ADMIN)
  await untilReplica(page)
  await page.goto(`${trip.product.origin}/store/assistant`)
  await page.getByRole('button', { name: EXAMPLE }).click()
  await page.waitForURL(/\/chat\/new/)
  const composer = page.getByTestId('composer')
  await expect.poll(() => composer.inputValue()).toBe(EXAMPLE)

  await expect.poll(() => new URL(page.url()).searchParams.get('text')).toBe(null)
  await eventually('it is kept', async () => (await composed(page)).includes(EXAMPLE))
  await page.reload()
  await expect.poll(() => composer.inputValue()).toBe(EXAMPLE)

  await composer.fill('我写了一半')
  await eventually('it is kept', async () => (await composed(page)).includes('我写了一半'))
  await page.goto(`${trip.product.origin}/chat/new?text=${encodeURIComponent('为会议拟一份议程')}`)
  await expect.poll(() => composer.inputValue()).toBe('为会议拟一份议程\n\n我写了一半')
  await page.context().close()
})

it('leads a reviewer who builds nothing to the reviews, on a phone too', async () => {
  const admin = await signedIn(devices.desktop, ADMIN)
  const made = await admin.evaluate(
    async (person) => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(person) }
      return (await fetch('/api/users', init)).status
    },
    { ...REVIEWER, roles: ['user', 'reviewer'] },
  )
  expect(made).toBeLessThan(300)
  await admin.context().close()

  const page = await signedIn(devices.phone, REVIEWER)
  await page.getByRole('navigation').getByRole('link', { name: '审核' }).click()
  await page.waitForURL(/\/review$/)
  await page.getByRole('heading', { name: '审核' }).first().waitFor()
  await page.context().close()
})

it.each(['desktop', 'phone'] as const)('shows each way with its picture, on a %s', async (device) => {
  const page = await signedIn(devices[device], ADMIN)
  const links = page.getByRole('navigation', { name: '主导航' }).getByRole('link')
  await links.first().waitFor()
  const bare = await links.evaluateAll((all) =>
    all.filter((link) => !link.querySelector('svg')).map((link) => link.textContent),
  )
  expect(bare).toEqual([])
  await page.context().close()
})

it('leaves no error behind', () => {
  expect(trip.trouble()).toEqual([])
})
