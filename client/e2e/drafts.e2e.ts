import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { devices } from '../../server/kernel/testing/chromium.ts'
import { journey } from './journey.ts'
import {
  addAssistant,
  ANNA,
  eventually,
  makeAgent,
  replica,
  say,
  sayInNewChat,
  signIn,
  signUp,
  untilReplica,
  untilStored,
} from './person.ts'

/** Two devices of one person, both without a server, in the same draft and the same chat: merged or asked. */

const trip = journey('drafts')
let desktop: Page
let phone: Page
let studio = ''
let chat = ''

beforeAll(async () => {
  desktop = await trip.open(devices.desktop)
  await signUp(desktop, trip.product.origin, ANNA)
  await untilReplica(desktop)
  phone = await trip.open(devices.phone)
  await signIn(phone, trip.product.origin, ANNA)
  await untilReplica(phone)
})

const prompt = (page: Page) => page.getByRole('textbox', { name: '系统提示词' })
const draft = async (page: Page) =>
  (
    await replica<{ system_prompt: string; description: string; open: number }>(
      page,
      'select system_prompt, description, jsonb_array_length(conflicts) as open from v_agent_drafts',
    )
  )[0]
const BEFORE = '你是一位分析师。\n回答要简短。\n注明出处。'

/** Writes the prompt here and waits until it is stored here. */
async function write(page: Page, text: string): Promise<void> {
  await prompt(page).fill(text)
  await eventually('it is stored', async () => (await draft(page))?.system_prompt === text)
}

describe('a draft and a chat on two devices', () => {
  it('are on both to begin with', async () => {
    studio = await makeAgent(desktop, '分析师')
    await write(desktop, BEFORE)
    await addAssistant(desktop)
    chat = await sayInNewChat(desktop, '第一个问题')
    await desktop.getByText('word60').first().waitFor()
    await eventually('both are on the phone', async () => {
      const rows = await replica<{ done: number }>(
        phone,
        "select count(*)::int as done from v_chat_messages where status = 'sent' and seq is not null",
      )
      return rows[0]?.done === 2 && (await draft(phone))?.system_prompt === BEFORE
    })
  })

  it('are edited on both while there is no server', async () => {
    for (const page of [desktop, phone]) await page.goto(studio)
    await prompt(phone).waitFor()
    for (const page of [desktop, phone]) await untilStored(page)
    await trip.product.kill()
    await write(desktop, BEFORE.replace('简短', '详细'))
    await write(phone, `${BEFORE.replace('简短', '押韵')}\n`)
    await phone.getByRole('tab', { name: '商店资料' }).click()
    await phone.getByRole('textbox', { name: '简介' }).fill('看市场')
    await eventually('it is stored', async () => (await draft(phone))?.description === '看市场')
    for (const [page, question] of [
      [desktop, '桌面上问的'],
      [phone, '手机上问的'],
    ] as const) {
      await page.goto(chat)
      await page.getByText('第一个问题').first().waitFor()
      await say(page, question)
      await page.getByText(question).first().waitFor()
    }
  })

  it('come together: the chat has both questions, the draft both fields, and one line is asked about', async () => {
    await trip.product.start()
    for (const page of [desktop, phone]) {
      await eventually(
        'everything is here',
        async () => {
          const questions = await replica<{ content: string }>(
            page,
            "select content from v_chat_messages where role = 'user' and seq is not null order by content",
          )
          const now = await draft(page)
          return questions.length === 3 && now?.open === 1 && now.description === '看市场'
        },
        60_000,
      )
    }
    const [one, other] = [await draft(desktop), await draft(phone)]
    expect(one).toEqual(other)
    const conflict = await eventually('both texts are here', async () => {
      const rows = await replica<{ mine: string; theirs: string }>(
        desktop,
        'select mine, theirs from v_draft_conflicts',
      )
      return rows[0]
    })
    expect([conflict.mine, conflict.theirs].map((text) => text.includes('详细')).toSorted()).toEqual([false, true])
  })

  it('is settled on one device, and gone on the other', async () => {
    await phone.goto(`${trip.product.origin}/studio`)
    await phone.getByText('1 处冲突').click()
    await phone.getByRole('heading', { name: '系统提示词' }).waitFor()
    await desktop.goto(studio)
    await desktop.getByRole('link', { name: '去处理' }).click()
    await desktop.getByRole('button', { name: '合成一份……' }).click()
    const merged = desktop.getByRole('textbox', { name: '合并后的内容' })
    expect(await merged.inputValue()).toContain('押韵')
    expect(await merged.inputValue()).toContain('详细')
    await merged.fill(BEFORE.replace('简短', '详细，也押韵'))
    await desktop.getByRole('button', { name: '用合并后的' }).click()
    await desktop.getByText('没有要处理的冲突').waitFor()
    await phone.getByText('没有要处理的冲突').waitFor()
    await phone.getByRole('link', { name: '回到草稿' }).last().click()
    await eventually('the text is here', async () => (await prompt(phone).inputValue()).includes('详细，也押韵'))
  })

  it('can be what it was before', async () => {
    await desktop.getByRole('link', { name: '回到草稿' }).last().click()
    await desktop.getByRole('tab', { name: '历史' }).click()
    await desktop.getByRole('button', { name: /^恢复/ }).last().click()
    await desktop.getByRole('dialog').or(desktop.getByRole('alertdialog')).getByRole('button', { name: '恢复' }).click()
    await eventually('it is on the phone', async () => !(await prompt(phone).inputValue()).includes('也押韵'))
    expect(trip.trouble()).toEqual([])
  })
})
