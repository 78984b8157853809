import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../../shared/kernel/id.ts'
import { seed } from '../app/seed/seed.ts'
import { openPersonsDatabase, type PersonsDatabase, type TestDevice } from '../app/testing/device.ts'
import { installAgent } from '../store/install-agent.ts'

let anna: PersonsDatabase
let agent_id: string
let laptop: TestDevice
let phone: TestDevice
let id: string
let question: string
let answer: string

const day = 24 * 3600_000
const now = Date.now()
const ago = (days: number) => ({ at: now - days * day })

beforeAll(async () => {
  anna = await openPersonsDatabase()
  agent_id = newId()
  await anna.newDevice().act('agent.create', { agent_id, draft_id: newId(), fields: { name: 'A' } })
})
afterAll(() => anna.drop())

/** A chat of one question and its answer, which both devices have seen. */
beforeEach(async () => {
  ;[laptop, phone] = [anna.newDevice(), anna.newDevice()]
  id = newId()
  const chat = { agent_id, agent_version_id: null, source: 'draft', title: 'Old title' }
  const sent = send(null, '你好')
  ;[question, answer] = [sent.user_message_id, sent.answer_message_id]
  await laptop.act('message.send', { ...sent, chat })
  await anna.db.query("update chat_messages set status = 'sent', content = 'Hello' where id = $1", [answer])
})

function send(parent_message_id: string | null, content: string) {
  const ids = { user_message_id: newId(), answer_message_id: newId(), execution_id: newId() }
  return { chat_id: id, parent_message_id, content, ...ids }
}
async function chat() {
  const [row] = await anna.db.query('select title, pinned, status, deleted_at from chats where id = $1', [id])
  return row
}
const questions = () =>
  anna.db.query<{ id: string; parent_message_id: string | null; content: string; status: string }>(
    "select id, parent_message_id, content, status from chat_messages where chat_id = $1 and role = 'user' order by seq",
    [id],
  )
const statuses = async (device: TestDevice) => (await device.send()).map(({ status, error }) => error?.code ?? status)

describe('a chat that two devices used for a week without a network', () => {
  it('has what both wrote below the same answer, side by side (I22)', async () => {
    const [first, second] = [send(answer, 'from the laptop'), send(answer, 'from the phone')]
    laptop.write('message.send', first, ago(7))
    laptop.write('message.send', send(first.answer_message_id, 'and more'), ago(6))
    phone.write('message.send', second, ago(5))
    expect(await statuses(phone)).toEqual(['applied'])
    expect(await statuses(laptop)).toEqual(['applied', 'applied'])
    expect((await questions()).map(({ content, parent_message_id }) => [content, parent_message_id])).toEqual([
      ['你好', null],
      ['from the phone', answer],
      ['from the laptop', answer],
      ['and more', first.answer_message_id],
    ])
  })

  it('has both edits of one question beside the question itself', async () => {
    laptop.write('message.send', send(null, 'edited on the laptop'), ago(7))
    phone.write('message.send', send(null, 'edited on the phone'), ago(7))
    await Promise.all([laptop.send(), phone.send()])
    const all = await questions()
    expect(all.map(({ content }) => content).sort()).toEqual(['edited on the laptop', 'edited on the phone', '你好'])
    expect(all.every(({ parent_message_id }) => parent_message_id === null)).toBe(true)
  })

  it('keeps what hangs on a question that the other device deleted', async () => {
    const more = send(answer, 'more')
    laptop.write('message.send', more, ago(3))
    laptop.write('message.regenerate', { chat_id: id, user_message_id: question, ...answerIds() }, ago(3))
    phone.write('message.delete', { id: question }, ago(2))
    expect(await statuses(phone)).toEqual(['applied'])
    expect(await statuses(laptop)).toEqual(['applied', 'applied'])
    expect(await questions()).toMatchObject([
      { id: question, status: 'deleted', content: '' },
      { id: more.user_message_id, status: 'sent', content: 'more' },
    ])
  })

  it('has each field as it was written last, whoever comes first (I22)', async () => {
    laptop.write('chat.update', { id, set: { title: 'Newer title' } }, ago(1))
    laptop.write('chat.update', { id, set: { pinned: false, status: 'archived' } }, ago(5))
    phone.write('chat.update', { id, set: { title: 'Older title' } }, ago(4))
    phone.write('chat.update', { id, set: { pinned: true } }, ago(2))
    await laptop.send()
    await phone.send()
    expect(await chat()).toMatchObject({ title: 'Newer title', pinned: true, status: 'archived' })
  })

  it('is deleted when one device deletes it: edits and messages of the other are refused, and kept there', async () => {
    phone.write('chat.delete', { id }, ago(6))
    laptop.write('chat.update', { id, set: { title: 'Newer title' } }, ago(1))
    laptop.write('message.send', send(answer, 'too late'), ago(1))
    laptop.write('chat.delete', { id }, ago(1))
    expect(await statuses(phone)).toEqual(['applied'])
    expect(await statuses(laptop)).toEqual(['chat/deleted', 'chat/deleted', 'applied'])
    expect(await chat()).toMatchObject({ status: 'deleted', title: 'Old title' })
  })

  it('comes back whole, and takes then what was refused', async () => {
    await phone.act('chat.delete', { id })
    await laptop.act('chat.restore', { id })
    expect(await chat()).toMatchObject({ status: 'active', deleted_at: null })
    await laptop.act('message.send', send(answer, 'sent again'))
    expect((await questions()).map(({ content }) => content)).toEqual(['你好', 'sent again'])
  })

  it('shows the branch that was chosen last', async () => {
    const choose = (child_id: string) => ({ chat_id: id, fork_id: id, child_id })
    const other = send(null, 'another way')
    await laptop.act('message.send', other)
    laptop.write('branch.choose', choose(other.user_message_id), ago(1))
    phone.write('branch.choose', choose(question), ago(3))
    await laptop.send()
    await phone.send()
    expect(
      await anna.db.query('select child_id from branch_choices where chat_id = $1 and fork_id = $1', [id]),
    ).toEqual([{ child_id: other.user_message_id }])
  })
})

const answerIds = () => ({ answer_message_id: newId(), execution_id: newId() })

it('a person’s preference is the one that was set last', async () => {
  laptop.write('preference.set', { key: 'theme', value: 'dark' }, ago(1))
  phone.write('preference.set', { key: 'theme', value: 'light' }, ago(2))
  await laptop.send()
  await phone.send()
  expect(
    await anna.db.query("select value from preferences where user_id = $1 and key = 'theme'", [anna.person.user_id]),
  ).toEqual([{ value: 'dark' }])
})

it('an agent is pinned and removed as was done last, and not removed by what was done before it was added again', async () => {
  await seed(anna.db)
  const [assistant] = await anna.db.query<{ id: string }>("select id from agents where slug = 'assistant'")
  const install = await installAgent(anna.db, anna.person, assistant?.id ?? '')
  const installed = async () =>
    (
      await anna.db.query('select pinned, removed_at is null as here from agent_installs where id = $1', [install.id])
    )[0]
  laptop.write('install.update', { id: install.id, set: { pinned: true } }, { at: now + 2000 })
  phone.write('install.update', { id: install.id, set: { pinned: false } }, { at: now + 1000 })
  phone.write('install.update', { id: install.id, set: { removed: true } }, ago(1))
  await laptop.send()
  await phone.send()
  expect(await installed()).toEqual({ pinned: true, here: true })
  await phone.act('install.update', { id: install.id, set: { removed: true } })
  expect(await installed()).toEqual({ pinned: true, here: false })
})
