import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { devices, launchPersistentChromium } from '../../server/kernel/testing/chromium.ts'
import { killProcess, processesBelow } from '../../sync/testing/processes.ts'
import { journey } from './journey.ts'
import {
  ANNA,
  eventually,
  makeAgent,
  messagesOnServer,
  move,
  replica,
  say,
  sayInNewChat,
  signIn,
  signUp,
  untilReplica,
  untilStored,
} from './person.ts'

/** A chat that no outage can take away: server killed, browser killed, both back, everything once. */

const trip = journey('outage')
let profile: string
let first: BrowserContext
let page: Page
let second: Page

beforeAll(async () => {
  profile = await mkdtemp(path.join(tmpdir(), 'banyan-profile-'))
  first = await launchPersistentChromium(profile, devices.desktop)
})

afterAll(async () => {
  await first.close()
  await rm(profile, { recursive: true, force: true })
})

/**
 * kill -9 of the browser that has the profile, and another one on it. Browsers write a new cookie half a minute late:
 * this person has had hers for longer than that.
 */
async function killBrowser(): Promise<void> {
  const cookies = await first.cookies()
  const closed = first.waitForEvent('close')
  for (const pid of processesBelow(process.pid, profile)) killProcess(pid)
  await closed
  first = await launchPersistentChromium(profile, devices.desktop)
  await first.addCookies(cookies)
}

const pathOf = (url: string) => new URL(url).pathname

const MESSAGES = `select id, parent_message_id, role, content, status, workflow_status, seq::int as seq from v_chat_messages
  where content <> '' order by seq nulls last, created_at, id`

describe('an outage', () => {
  let chat_url = ''
  let draft_url = ''

  it('begins with a chat that streams, and is seen live in a second browser', async () => {
    page = await trip.open(first)
    await signUp(page, trip.product.origin, ANNA)
    await move(page, '/store')
    await page.getByRole('button', { name: '试用' }).first().click()
    await page.waitForURL(/chat\/new/)
    await untilReplica(page)
    second = await trip.open()
    await signIn(second, trip.product.origin, ANNA)
    await untilReplica(second)
    await say(page, '第一个问题')
    await page.waitForURL(/chat\/[0-9a-f-]{36}$/)
    chat_url = page.url()
    await page.getByText('word5').first().waitFor()
    await eventually('the second browser sees it', async () => {
      const rows = await replica<{ content: string }>(second, MESSAGES)
      return rows.some(({ content }) => content === '第一个问题')
    })
    await move(second, pathOf(chat_url))
    await second.getByText('word60').first().waitFor()
    await page.getByText('word60').first().waitFor()
  })

  it('has a draft agent, too', async () => {
    draft_url = await makeAgent(page, '断网也能改')
    await eventually('the draft has reached the server', async () => {
      const rows = await replica(page, 'select 1 as one from agent_drafts_synced')
      return rows.length === 1
    })
    await move(page, pathOf(chat_url))
    await page.getByText('word60').first().waitFor()
  })

  it('kills the server: the chat opens again, can be searched, and takes everything a person does', async () => {
    await untilStored(page)
    await trip.product.kill()
    await page.reload()
    await page.getByText('第一个问题').first().waitFor()
    await page.getByText('word60').first().waitFor()
    await say(page, '离线写的第二个问题')
    await page.getByText('离线写的第二个问题').first().waitFor()
    await page.getByText('待发').filter({ visible: true }).first().waitFor()

    await sayInNewChat(page, '离线的新对话')

    await page.getByPlaceholder('搜索对话和消息').fill('第二个')
    await page.getByText('离线写的').first().waitFor()
    await page.getByPlaceholder('搜索对话和消息').fill('')
  })

  it('edits the first question offline: a sibling, and the choice between them', async () => {
    await move(page, pathOf(chat_url))
    const log = page.getByRole('log')
    await log.getByText('第一个问题').hover()
    await log.getByRole('button', { name: '编辑', exact: true }).first().click()
    const editor = page.getByRole('textbox', { name: '编辑消息' })
    await editor.fill('第一个问题，改过')
    await editor.press('Enter')
    await log.getByText('第一个问题，改过').waitFor()
    await log.getByRole('button', { name: '上一个分支' }).click()
    await log.getByText('离线写的第二个问题').waitFor()
  })

  it('edits the draft offline', async () => {
    await move(page, pathOf(draft_url))
    await page
      .getByRole('textbox', { name: /提示词/ })
      .first()
      .fill('在隧道里写的提示词')
    await eventually('the draft shows it', async () => {
      const rows = await replica<{ system_prompt: string }>(page, 'select system_prompt from v_agent_drafts')
      return rows[0]?.system_prompt === '在隧道里写的提示词'
    })
    await move(page, pathOf(chat_url))
    await page.getByText('离线写的第二个问题').first().waitFor()
  })

  it('survives the browser being killed, too (I15)', async () => {
    const before = await replica(page, MESSAGES)
    await killBrowser()
    page = await trip.open(first)
    await page.goto(chat_url)
    await page.getByText('离线写的第二个问题').first().waitFor()
    await untilReplica(page)
    const after = await eventually('the overlay is back', async () => {
      const rows = await replica(page, MESSAGES)
      return rows.length === before.length && rows
    })
    expect(after).toEqual(before)
  })

  it('ends with everything arriving once, in order, answered, and both browsers equal to the server', async () => {
    await trip.product.start()
    await eventually(
      'nothing waits any more',
      async () => {
        const rows = await replica<{ n: number }>(
          page,
          "select count(*)::int as n from v_chat_messages where status = 'sending' or seq is null",
        )
        return rows[0]?.n === 0
      },
      60_000,
    )
    const mine = await replica<{ role: string; content: string; parent_message_id: string | null }>(page, MESSAGES)
    const questions = mine.filter(({ role }) => role === 'user').map(({ content }) => content)
    expect(questions.toSorted()).toEqual(
      ['第一个问题', '离线写的第二个问题', '离线的新对话', '第一个问题，改过'].toSorted(),
    )
    expect(mine.filter(({ role }) => role === 'assistant')).toHaveLength(4)
    const theirs = await eventually(
      'the second browser is equal',
      async () => {
        const rows = await replica(second, MESSAGES)
        return JSON.stringify(rows) === JSON.stringify(mine) && rows
      },
      40_000,
    )
    expect(theirs).toEqual(mine)
    const chat_id = chat_url.split('/').at(-1) ?? ''
    const server = await messagesOnServer(page, chat_id)
    const local = await replica<{ id: string; content: string }>(
      page,
      `select id, content, status, seq::int as seq from v_chat_messages where chat_id = '${chat_id}' order by seq`,
    )
    expect(local).toEqual(server.map(({ id, content, status, seq }) => ({ id, content, status, seq })))
    const drafts = await eventually('the draft is everywhere', async () => {
      const rows = await replica<{ system_prompt: string }>(
        second,
        'select system_prompt, revision from v_agent_drafts',
      )
      return rows[0]?.system_prompt === '在隧道里写的提示词' && rows
    })
    await eventually('the draft is settled here as well', async () => {
      const rows = await replica(page, 'select system_prompt, revision from agent_drafts_synced')
      return JSON.stringify(rows) === JSON.stringify(drafts)
    })
    const CHOICES = 'select fork_id, child_id from v_branch_choices'
    const choices = await replica(page, CHOICES)
    await eventually('the choice of branch is the same in both', async () => {
      return JSON.stringify(await replica(second, CHOICES)) === JSON.stringify(choices)
    })
    expect(choices).toHaveLength(1)
  })

  it('leaves no error behind in any page, and nothing asked outside this machine', () => {
    expect(trip.trouble()).toEqual([])
  })
})
