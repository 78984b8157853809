import type { CDPSession, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { devices } from '../../server/kernel/testing/chromium.ts'
import { journey } from './journey.ts'
import { addAssistant, ANNA, eventually, makeAgent, move, say, sayInNewChat, signUp, untilReplica } from './person.ts'

/** Everything by keyboard, with an input method too; and a new version that comes while somebody writes. */

const trip = journey('keys', { model: { tokens_per_second: 400, answer: '```js\nlet a = 1\n```\n\n答完了。' } })
let page: Page
let chat: string

beforeAll(async () => {
  page = await trip.open({ ...devices.desktop, permissions: ['clipboard-read', 'clipboard-write'] })
  await signUp(page, trip.door.origin, ANNA)
  await untilReplica(page)
  await addAssistant(page)
  chat = new URL(await sayInNewChat(page, '甲乙丙丁')).pathname
  await page.getByText('答完了。').first().waitFor()
})

const composer = () => page.getByTestId('composer')
const focused = () =>
  page.evaluate(() => document.activeElement?.getAttribute('data-testid') ?? document.activeElement?.tagName)
const clipboard = () => page.evaluate(() => navigator.clipboard.readText())

const palette = () => page.getByRole('combobox', { name: '命令面板' })
/** What Enter would take; nothing while the list is being looked up. */
const chosen = async () => (await page.getByRole('option', { selected: true }).allTextContents()).join()

/** Typing goes into it as soon as it is there. */
async function openPalette(): Promise<void> {
  await page.keyboard.press('Control+k')
  await palette().waitFor()
  await expect.poll(() => palette().evaluate((field) => field === document.activeElement)).toBe(true)
}

/** What cannot be reached by Tab, and what shows no sign of having the focus. */
async function walk(): Promise<{ missed: string[]; unmarked: string[] }> {
  await page.evaluate(() => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
    for (const element of document.querySelectorAll('[data-walked]')) element.removeAttribute('data-walked')
  })
  const unmarked: string[] = []
  for (let step = 0, outside = 0; step < 150; step++) {
    await page.keyboard.press('Tab')
    const answer = await page.evaluate(() => {
      const element = document.activeElement
      if (!(element instanceof HTMLElement) || element === document.body) return undefined
      if (element.dataset['walked']) return { end: true }
      element.dataset['walked'] = 'yes'
      const marks = [element, element.closest('label'), element.closest('form')]
      const marked = marks.some((each) => {
        const style = each && getComputedStyle(each)
        return style && style.outlineStyle !== 'none' && style.outlineWidth !== '0px'
      })
      return { end: false, marked, name: element.outerHTML.slice(0, 120) }
    })
    // Between the last and the first there is the browser's own bar; one begins anywhere.
    if (!answer && (outside += 1) < 4) continue
    if (!answer || answer.end) break
    if (!answer.marked) unmarked.push(answer.name ?? '')
  }
  const missed = await page.evaluate(() => {
    const all = document.querySelectorAll<HTMLElement>(
      'a[href], button, input, textarea, select, [tabindex="0"]:not([role="tablist"])',
    )
    return [...all]
      .filter((element) => element.checkVisibility({ visibilityProperty: true }) && !element.matches(':disabled'))
      .filter((element) => element.tabIndex >= 0 && !element.dataset['walked'])
      .filter((element) => !(element instanceof HTMLInputElement && element.type === 'radio'))
      .map((element) => element.outerHTML.slice(0, 120))
  })
  return { missed, unmarked }
}

describe('by keyboard', () => {
  it('everything on every page can be reached, and shows that it has been', async () => {
    const studio = new URL(await makeAgent(page, '键盘')).pathname
    const pages = [
      [chat, '答完了。'],
      ['/chat/new', '榕树助手'],
      ['/store', '会议纪要'],
      ['/store/assistant', '它会做什么'],
      ['/studio', '键盘'],
      [studio, '系统提示词'],
      ['/settings/general', '发送消息'],
      ['/settings/storage', '重建本机副本'],
    ] as const
    for (const [path, text] of pages) {
      await move(page, path)
      await page.getByRole('main').getByText(text).first().waitFor()
      await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' })
      expect(await walk(), path).toEqual({ missed: [], unmarked: [] })
    }
  })

  it('the way past the navigation comes first', async () => {
    await move(page, '/store')
    await page.getByText('会议纪要').waitFor()
    await eventually('the end of the page', async () => {
      await page.keyboard.press('Tab')
      return (await focused()) === 'BODY'
    })
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('跳到正文')
    await page.keyboard.press('Enter')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main')
  })

  it('the palette finds what was said, runs commands, and gives the focus back', async () => {
    await move(page, chat)
    await composer().waitFor()
    await composer().focus()
    await openPalette()
    await page.keyboard.press('Escape')
    await palette().waitFor({ state: 'detached' })
    await expect.poll(focused).toBe('composer')
    await move(page, '/store')
    await openPalette()
    await page.keyboard.type('乙丙')
    await expect.poll(chosen).toContain('甲乙丙丁')
    await page.keyboard.press('Enter')
    await page.waitForURL(`**${chat}`)
    await composer().waitFor()
    await openPalette()
    await page.keyboard.type('商店')
    await page.getByRole('option', { name: '打开商店' }).waitFor()
    await expect.poll(chosen).toContain('商店')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/store')
  })

  it('the list of keys opens, and tells the truth', async () => {
    await move(page, chat)
    await composer().waitFor()
    await page.keyboard.press('Control+/')
    const help = page.getByRole('dialog', { name: '键盘快捷键' })
    await help.getByText('复制最后一段代码').waitFor()
    await page.keyboard.press('Escape')
    await help.waitFor({ state: 'detached' })
    await page.keyboard.press('Control+Shift+c')
    await page.getByText('已复制').waitFor()
    expect(await clipboard()).toContain('答完了。')
    await page.keyboard.press('Control+Shift+;')
    await expect.poll(clipboard).toBe('let a = 1\n')
    await page.keyboard.press('Control+Shift+o')
    await page.getByRole('heading', { level: 1, name: '新对话' }).waitFor()
    await page.keyboard.press('Alt+ArrowDown')
    await page.getByRole('log').getByText('甲乙丙丁').waitFor()
    await composer().focus()
    await page.keyboard.press('ArrowUp')
    await page.getByRole('textbox', { name: '编辑消息' }).waitFor()
    await page.keyboard.type('！')
    await page.keyboard.press('Enter')
    await page.getByTestId('siblings').getByText('2 / 2').waitFor()
    await page.locator('main').focus()
    await page.keyboard.press('[')
    await page.getByTestId('siblings').getByText('1 / 2').waitFor()
    await page.keyboard.press(']')
    await page.getByTestId('siblings').getByText('2 / 2').waitFor()
    await page.keyboard.press('Shift+Escape')
    await expect.poll(focused).toBe('composer')
  })
})

describe('an input method', () => {
  let ime: CDPSession
  beforeAll(async () => {
    ime = await page.context().newCDPSession(page)
  })

  /** Writes with an input method that is still choosing words, and presses Enter to take one. */
  async function compose(letters: string, words: string): Promise<void> {
    const end = letters.length
    await ime.send('Input.imeSetComposition', { text: letters, selectionStart: end, selectionEnd: end })
    const enter = { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13 }
    await ime.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...enter })
    await ime.send('Input.dispatchKeyEvent', { type: 'keyUp', ...enter })
    await ime.send('Input.insertText', { text: words })
  }

  it('takes Enter for itself in the composer: nothing is sent before the words are there', async () => {
    await move(page, chat)
    await composer().waitFor()
    await composer().pressSequentially('我说')
    const messages = page.locator('[data-message]')
    const before = await messages.count()
    await compose('ni hao', '你好')
    expect(await composer().inputValue()).toBe('我说你好')
    expect(await messages.count()).toBe(before)
    await page.keyboard.press('Enter')
    await expect.poll(() => composer().inputValue()).toBe('')
    await eventually(
      'it is sent',
      async () => trip.product.model.requests.at(-1)?.body.messages?.at(-1)?.content === '我说你好',
    )
  })

  it('takes Enter for itself in the palette, and in the editor of a message', async () => {
    await openPalette()
    await compose('shang dian', '商店')
    expect(await palette().inputValue()).toBe('商店')
    await page.keyboard.press('Escape')
    await composer().focus()
    await page.keyboard.press('ArrowUp')
    const editor = page.getByRole('textbox', { name: '编辑消息' })
    await editor.waitFor()
    await compose('zai jian', '再见')
    expect(await editor.inputValue()).toBe('我说你好再见')
    await page.keyboard.press('Escape')
    await editor.waitFor({ state: 'detached' })
  })
})

describe('a new version', () => {
  it('asks before it takes over, and takes nothing that is being written, in no tab', async () => {
    await move(page, chat)
    await page.reload()
    await composer().waitFor()
    await eventually('the worker is in charge', () => page.evaluate(() => navigator.serviceWorker.controller !== null))
    const other = await trip.open(page.context())
    await other.goto(`${trip.door.origin}/chat/new`)
    await other.getByTestId('composer').fill('另一页没写完的话')
    await composer().fill('写到一半')
    trip.door.alter('/sw.js', (text) => `${text}\n// The next version.\n`)
    await page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.update())
    await page.getByText('有新版本').waitFor()
    await composer().pressSequentially('，更新到了')
    const loaded = page.waitForEvent('load')
    const followed = other.waitForEvent('load')
    await page.getByRole('button', { name: '现在更新' }).click()
    await Promise.all([loaded, followed])
    await expect.poll(() => composer().inputValue()).toBe('写到一半，更新到了')
    await expect.poll(() => other.getByTestId('composer').inputValue()).toBe('另一页没写完的话')
    expect(await page.getByText('有新版本').count()).toBe(0)
    await say(page, '写到一半，更新到了。')
    await page.getByText('答完了。').last().waitFor()
  })
})

it('leaves no error behind in any page, and nothing asked outside this machine', () => {
  expect(trip.trouble()).toEqual([])
})
