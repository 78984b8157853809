import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { journey } from './journey.ts'
import {
  addAssistant,
  ANNA,
  eventually,
  move,
  replica,
  say,
  sayInNewChat,
  signIn,
  signUp,
  untilReplica,
} from './person.ts'

/** A day of chatting: many things at once, none of them mixed up, and all of it to take away. */

const trip = journey('chat')
const QUICK = {
  first_token_ms: 60,
  tokens_per_second: 120,
  tokens: 60,
  answer: undefined,
  fault: undefined,
  hold: undefined,
}
let page: Page
let second: Page

beforeAll(async () => {
  page = await trip.open()
  second = await trip.open()
  await signUp(page, trip.door.origin, ANNA)
  await untilReplica(page)
  await addAssistant(page)
})

const questions = () => trip.product.model.requests.map(({ body }) => body.messages?.at(-1)?.content)
const answers = (on: Page) => on.getByTestId('answer')
const branch = (on: Page) => on.getByTestId('siblings').last()
const idle = (on: Page) => on.getByTestId('stop').waitFor({ state: 'detached' })

/** Until the last answer says this, and nothing more. */
async function answered(on: Page, text = 'word60'): Promise<void> {
  await answers(on).last().getByText(text).waitFor()
  await idle(on)
}

/** Until the model has been asked this. */
const asked = (text: string) => eventually(`the model is asked ${text}`, async () => questions().at(-1) === text)

async function menu(on: Page, name: string | RegExp): Promise<void> {
  await on.getByTestId('chat-menu').click()
  await on.getByRole('menuitem', { name }).click()
}

async function download(on: Page, item: RegExp): Promise<{ name: string; text: string }> {
  const [file] = await Promise.all([on.waitForEvent('download'), menu(on, item)])
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') }
}

describe('messages that are written while an answer runs', () => {
  it('go out in the order in which they were written', async () => {
    trip.product.model.set({ ...QUICK, hold: true })
    await sayInNewChat(page, '先做甲')
    await asked('先做甲')
    await say(page, '再做乙')
    await say(page, '最后做丙')
    await page.getByText('排队中').nth(1).waitFor()
    expect(await page.getByText('排队中').count()).toBe(2)
    expect(questions()).toEqual(['先做甲'])
    trip.product.model.set(QUICK)
    await asked('最后做丙')
    await answers(page).nth(2).waitFor()
    await answered(page)
    expect(questions()).toEqual(['先做甲', '再做乙', '最后做丙'])
    expect(await answers(page).count()).toBe(3)
    const context = trip.product.model.requests.at(-1)?.body.messages?.map(({ content }) => content)
    expect(context?.slice(-5, -1)).toEqual(['先做甲', expect.any(String), '再做乙', expect.any(String)])
  })

  it('can be taken back, edited and withdrawn until then; stopping an answer keeps its text and starts the next', async () => {
    trip.product.model.requests.length = 0
    trip.product.model.set({ ...QUICK, tokens: 6000 })
    await sayInNewChat(page, '说很久')
    await answers(page).getByText('word9').waitFor()
    trip.product.model.set(QUICK)
    for (const text of ['不要了', '写错了', '要的']) await say(page, text)
    const row = (text: string) => page.locator('[data-message]').filter({ hasText: text })
    await row('要的').getByTestId('waiting').waitFor()
    await row('不要了').getByRole('button', { name: '撤回' }).click()
    await row('不要了').waitFor({ state: 'detached' })
    await row('写错了').getByRole('button', { name: '取回到输入框' }).click()
    await row('写错了').waitFor({ state: 'detached' })
    const composer = page.getByTestId('composer')
    expect(await composer.inputValue()).toBe('写错了')
    expect(await composer.evaluate((element) => element === document.activeElement)).toBe(true)
    await say(page, '写对了')
    await composer.press('Escape')
    await page.getByText('已停止，上面是停止前的内容。').waitFor()
    await asked('写对了')
    await answers(page).nth(2).waitFor()
    await answered(page)
    expect(questions()).toEqual(['说很久', '要的', '写对了'])
    expect(await answers(page).first().textContent()).toContain('word9')
    expect(await page.getByText('这条消息已删除').count()).toBe(0)
  })
})

describe('answers', () => {
  it('that fail say why in words, and come after a retry', async () => {
    trip.product.model.set({ ...QUICK, fault: 'error' })
    await sayInNewChat(page, '会失败的问题')
    const alert = page.getByRole('alert').filter({ hasText: /模型|服务/ })
    await alert.waitFor({ timeout: 30_000 })
    expect(await alert.textContent()).not.toMatch(/undefined|error|500/i)
    trip.product.model.set(QUICK)
    await page.getByTestId('retry').click()
    await answered(page)
    await branch(page).getByText('2 / 2').waitFor()
  })

  it('to one question are all kept, and the one that is chosen is remembered, here and in a second browser', async () => {
    trip.product.model.set({ ...QUICK, answer: '第一稿' })
    const address = await sayInNewChat(page, '写一首诗')
    await answered(page, '第一稿')
    for (const [n, answer] of ['第二稿', '第三稿'].entries()) {
      trip.product.model.set({ ...QUICK, answer })
      await page.getByRole('button', { name: '重新回答' }).last().click()
      await answered(page, answer)
      await branch(page)
        .getByText(`${n + 2} / ${n + 2}`)
        .waitFor()
    }
    await branch(page).getByRole('button', { name: '上一个分支' }).click()
    await answers(page).getByText('第二稿').waitFor()
    await branch(page).getByText('2 / 3').waitFor()
    await eventually('the choice has arrived', async () => {
      const rows = await replica(page, 'select 1 as one from branch_choices_synced')
      return rows.length > 0 && (await replica(page, 'select 1 as one from branch_choices_local')).length === 0
    })
    await signIn(second, trip.door.origin, ANNA)
    await untilReplica(second)
    await move(second, new URL(address).pathname)
    await answers(second).getByText('第二稿').waitFor()
    const choices = async (on: Page) =>
      JSON.stringify(await replica(on, 'select fork_id, child_id from v_branch_choices order by 1'))
    const before = await choices(second)
    await branch(second).getByRole('button', { name: '上一个分支' }).click()
    await answers(second).getByText('第一稿').waitFor()
    // What a reader has before their eyes stays; the other device's choice counts when the chat is opened again.
    await eventually('the other choice has arrived', async () => {
      const theirs = await choices(second)
      return theirs !== before && theirs === (await choices(page))
    })
    expect(await answers(page).getByText('第二稿').count()).toBe(1)
    await move(page, '/store')
    await move(page, new URL(address).pathname)
    await answers(page).getByText('第一稿').waitFor()
    await branch(page).getByText('1 / 3').waitFor()
  })

  it('stream in several chats at once; those that nobody has read are marked until somebody does', async () => {
    trip.product.model.set({ ...QUICK, hold: true })
    for (const text of ['同时一', '同时二', '同时三']) await sayInNewChat(page, text)
    const row = (text: string) => page.getByTestId('chat-row').filter({ hasText: text })
    for (const text of ['同时一', '同时二', '同时三']) await row(text).getByText('正在回答').waitFor()
    await page.getByRole('navigation').first().getByText('3', { exact: true }).waitFor()
    trip.product.model.set(QUICK)
    const mark = (text: string) => row(text).getByLabel('有新回答')
    await mark('同时一').waitFor()
    await mark('同时二').waitFor()
    await answered(page)
    expect(await mark('同时三').count()).toBe(0)
    await row('同时一').click()
    await page.getByRole('log').getByText('同时一').waitFor()
    await answered(page)
    await mark('同时一').waitFor({ state: 'detached' })
    await page.reload()
    await mark('同时二').waitFor()
    expect(await mark('同时一').count()).toBe(0)
  })
})

it('begun in the first second after a start never leaves the screen while the device gets ready', async () => {
  trip.product.model.set(QUICK)
  await page.goto(`${trip.door.origin}/chat/new`)
  await page.evaluate(() => {
    const gone: string[] = []
    Reflect.set(window, 'gone', gone)
    let shown = false
    new MutationObserver(() => {
      const now = document.querySelector('[data-testid="chat-menu"]') !== null
      if (shown && !now) gone.push(document.querySelector('main')?.textContent ?? '')
      shown = now
    }).observe(document.body, { childList: true, subtree: true })
  })
  await say(page, '一打开就问')
  await page.getByRole('log').getByText('一打开就问').waitFor()
  await untilReplica(page)
  await answered(page)
  await page.getByTestId('sync-line').filter({ hasText: '已同步', visible: true }).waitFor()
  expect(await page.evaluate(() => Reflect.get(window, 'gone'))).toEqual([])
})

describe('a chat to take away', () => {
  const CODE = '好的：\n\n```python\nprint("你好，世界")\n```\n\n| 甲 | 乙 |\n| - | - |\n| 1 | 2 |\n'

  it('comes as Markdown with what is on screen, and as JSON with every branch', async () => {
    trip.product.model.set({ ...QUICK, answer: CODE })
    await sayInNewChat(page, '写段代码')
    const table = answers(page).last().getByRole('cell', { name: '2' })
    await table.waitFor()
    await idle(page)
    await page.getByRole('button', { name: '重新回答' }).last().click()
    await branch(page).getByText('2 / 2').waitFor()
    await table.waitFor()
    await idle(page)
    await menu(page, '重命名')
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox').fill('报告/草稿: “终” 🎉')
    await dialog.getByRole('button', { name: '保存' }).click()
    await page.getByRole('heading', { name: '报告/草稿' }).waitFor()

    const markdown = await download(page, /Markdown/)
    expect(markdown.name).toBe('报告 草稿 “终” 🎉.md')
    expect(markdown.text).toBe(`# 报告/草稿: “终” 🎉\n\n## 你\n\n写段代码\n\n## 榕树助手\n\n${CODE.trim()}\n`)

    const json = await download(page, /JSON/)
    expect(json.name).toBe('报告 草稿 “终” 🎉.json')
    const { format, chat, messages } = JSON.parse(json.text)
    expect(format).toBe('banyan-chat')
    expect(chat).toMatchObject({ title: '报告/草稿: “终” 🎉', agent_name: '榕树助手' })
    const [question, ...both] = messages
    expect(question).toMatchObject({ role: 'user', content: '写段代码', parent_message_id: null })
    expect(both).toHaveLength(2)
    for (const answer of both)
      expect(answer).toMatchObject({ role: 'assistant', content: CODE, parent_message_id: question.id })
  })

  it('comes while an answer is being written, and without a network', async () => {
    trip.product.model.set({ ...QUICK, tokens: 6000 })
    await say(page, '再说很多')
    await answers(page).last().getByText('word9').waitFor()
    const running = await download(page, /Markdown/)
    expect(running.text).toMatch(/## 你\n\n再说很多\n\n## 榕树助手\n\nword1 word2 [\s\S]+\n\n\*导出时还在回答。\*\n$/)
    const data = JSON.parse((await download(page, /JSON/)).text)
    expect(data.messages.at(-1)).toMatchObject({ status: 'sending', content: expect.stringContaining('word9') })
    trip.door.shut()
    const offline = await download(page, /Markdown/)
    expect(offline.text).toContain('print("你好，世界")')
    trip.door.open()
    await page.getByTestId('stop').click()
    await idle(page)
  })
})

it('leaves no error behind in any page, and nothing asked outside this machine', () => {
  expect(trip.trouble()).toEqual([])
})
