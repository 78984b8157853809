import fc from 'fast-check'
import { newId } from '../../../shared/kernel/id.ts'
import { SHAPE_NAMES, type ShapeName } from '../../protocol/shapes.ts'
import type { NodeDevice } from './node-device.ts'
import type { World } from './world.ts'

/** What people have, as the commands know it; numbers that commands carry are taken modulo what is there. */
export interface People {
  chats: { id: string; answers: string[] }[]
  drafts: { id: string; agent_id: string; text: string }[]
}

type Command = fc.AsyncCommand<People, World>

class Do implements Command {
  readonly #what: string
  readonly #run: (people: People, world: World) => Promise<unknown>

  constructor(what: string, run: (people: People, world: World) => Promise<unknown>) {
    this.#what = what
    this.#run = run
  }

  check(): boolean {
    return true
  }

  async run(people: People, world: World): Promise<void> {
    await this.#run(people, world)
  }

  toString(): string {
    return this.#what
  }
}

const on = (world: World, index: number): NodeDevice => {
  const device = world.devices[index % world.devices.length]
  if (!device) throw new Error('no devices')
  return device
}

async function write(
  world: World,
  device: NodeDevice,
  name: string,
  args: Record<string, unknown>,
  rows: readonly { view: string; id: string }[] = [],
): Promise<boolean> {
  const queued = await device.mutate(name, args)
  if (queued === undefined) return false
  world.ledger.keep({ ...queued, name, device, rows })
  world.ledger.look(device)
  return true
}

async function send(people: People, world: World, device: NodeDevice, which: number, fresh: boolean): Promise<void> {
  const chat = fresh ? { id: newId(), answers: [] } : people.chats.at(-1 - (which % Math.max(1, people.chats.length)))
  const [draft] = people.drafts
  if (!chat || !draft) return
  const [question, answer] = [newId(), newId()]
  const args = {
    chat_id: chat.id,
    parent_message_id: which % 2 ? (chat.answers.at(-1) ?? null) : null,
    user_message_id: question,
    answer_message_id: answer,
    execution_id: newId(),
    content: `message ${question}`,
    ...(fresh ? { chat: { agent_id: draft.agent_id, agent_version_id: null, source: 'draft', title: 'new' } } : {}),
  }
  const rows = [
    { view: 'v_chat_messages', id: question },
    { view: 'v_chat_messages', id: answer },
    ...(fresh ? [{ view: 'v_chats', id: chat.id }] : []),
  ]
  if (!(await write(world, device, 'message.send', args, rows))) return
  chat.answers.push(answer)
  if (fresh) people.chats.push(chat)
}

/** What is written shows where it was written. */
async function rename(people: People, world: World, device: NodeDevice, which: number): Promise<void> {
  const chat = people.chats.at(-1 - (which % Math.max(1, people.chats.length)))
  if (!chat) return
  const title = `title ${newId()}`
  if (!(await write(world, device, 'chat.update', { id: chat.id, set: { title } }))) return
  const [row] = await device.read<{ title: string; status: string }>(
    'select title, status from v_chats where id = $1',
    [chat.id],
  )
  const others = world.ledger.kept.some((one) => one.name === 'chat.delete')
  if (row && row.title !== title && !others) world.ledger.breaks(`I1: ${chat.id} is called ${row.title}, not ${title}`)
}

/** A save as the editor makes it: of the text that its device shows. */
async function save(people: People, world: World, device: NodeDevice, which: number): Promise<void> {
  const draft = people.drafts[which % Math.max(1, people.drafts.length)]
  if (!draft) return
  const [row] = await device.read<{ system_prompt: string }>('select system_prompt from v_agent_drafts where id = $1', [
    draft.id,
  ])
  if (!row) return
  const lines = row.system_prompt.split('\n')
  lines[which % 4] = `line ${newId()}`
  const set = { system_prompt: lines.map((line) => line ?? '').join('\n') }
  await write(world, device, 'draft.update', { id: draft.id, set, base: { system_prompt: row.system_prompt } })
}

async function newDraft(people: People, world: World, device: NodeDevice): Promise<void> {
  const draft = { id: newId(), agent_id: newId(), text: 'one\ntwo\nthree\nfour' }
  const fields = { name: 'an agent', system_prompt: draft.text }
  const rows = [{ view: 'v_agent_drafts', id: draft.id }]
  if (await write(world, device, 'agent.create', { agent_id: draft.agent_id, draft_id: draft.id, fields }, rows))
    people.drafts.push(draft)
}

/** What every run begins with. */
export async function begin(world: World): Promise<People> {
  const people: People = { chats: [], drafts: [] }
  const device = on(world, 0)
  await newDraft(people, world, device)
  await send(people, world, device, 0, true)
  return people
}

const device = fc.nat(1)
const which = fc.nat(9)
const shape = fc.constantFrom<ShapeName>(...SHAPE_NAMES.filter((name) => !['tasks', 'installs'].includes(name)))

function act(what: string, run: (people: People, world: World, device: NodeDevice, which: number) => Promise<unknown>) {
  return fc
    .tuple(device, which)
    .map(
      ([at, number]) =>
        new Do(`${what} ${number} on ${at}`, (people, world) => run(people, world, on(world, at), number)),
    )
}

function event(what: string, run: (world: World, device: NodeDevice, shape: ShapeName) => unknown) {
  return fc
    .tuple(device, shape)
    .map(([at, name]) => new Do(`${what} ${name} on ${at}`, async (_, world) => run(world, on(world, at), name)))
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Everything that may happen, in the shares in which it finds the most. */
export function commands(length: number) {
  return fc.commands(
    [
      act('send', (people, world, at, number) => send(people, world, at, number, false)),
      act('begin a chat', (people, world, at, number) => send(people, world, at, number, true)),
      act('rename', rename),
      act('rename', rename),
      act('save', save),
      act('save', save),
      act('new draft', newDraft),
      act('prefer', (_, world, at, number) =>
        write(world, at, 'preference.set', { key: `key${number % 2}`, value: newId() }),
      ),
      act('delete a chat', async (people, world, at, number) => {
        const chat = number % 3 === 0 ? people.chats.at(-1) : undefined
        if (chat) await write(world, at, 'chat.delete', { id: chat.id })
      }),
      act('answer', async (people, world, _, number) => {
        const answer = people.chats.flatMap(({ answers }) => answers).at(-1 - (number % 3))
        if (answer !== undefined) await world.answer(answer)
      }),
      event('cut', (_, at) => at.line.cut()),
      event('mend', (_, at) => {
        at.line.mend()
        at.hurry()
      }),
      event('lose answers', (world, at) => world.loseAnswers(at, 1)),
      event('restart', (_, at) => at.restart()),
      event('stall', (_, at, name) => at.line.stall(name)),
      event('stall', (_, at, name) => at.line.stall(name)),
      event('flow', (_, at) => at.line.flow()),
      event('must refetch', (world, _, name) => world.rotate(name)),
      fc.constant(new Do('restart server', (_, world) => world.restartServer())),
      fc.constantFrom(5, 40, 150).map((ms) => new Do(`wait ${ms}`, () => pause(ms))),
      fc.constantFrom(5, 40, 150).map((ms) => new Do(`wait ${ms}`, () => pause(ms))),
    ],
    { maxCommands: length, size: 'max' },
  )
}
