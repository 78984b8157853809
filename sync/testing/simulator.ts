import { idOf } from './pending.ts'
import { MUTATORS } from '../../shared/registry.ts'
import { SHAPE_NAMES, SHAPES } from '../protocol/shapes.ts'
import { ModelServer } from './model-server.ts'
import { rightly, SimDevice, type Settle } from './sim-device.ts'

/** One thing that happens; numbers are taken modulo what there is. */
export type Step =
  | { do: 'create' | 'rename' | 'send' | 'prefer' | 'delete'; device: number; which: number }
  | { do: 'push'; device: number; loss: 'none' | 'request' | 'answer' }
  | { do: 'poll'; device: number; shape: number; live: boolean }
  | { do: 'restart' | 'lose-replica'; device: number }
  | { do: 'rotate'; shape: number }
  | { do: 'serve'; which: number }

interface Promised {
  table: string
  key: Record<string, string>
  /** Columns that must show as written, until somebody else may write them. */
  set: Record<string, unknown>
  mutation: string
}

const USER = '00000000-0000-7000-8000-000000000001'
const START = Date.parse('2026-11-22T00:00:00.000Z')

/**
 * Several devices of one person against the model server. Throws when a promise of SPEC.md §3 breaks. Each device
 * renames only chats of its own, so that what it must show is known exactly; all send into all chats.
 */
export class Simulator {
  readonly server: ModelServer
  readonly devices: SimDevice[]
  readonly #chats: { id: string; device: number }[] = []
  readonly #sent: { answer: string }[] = []
  readonly #promises: Promised[][]
  /** Every mutation that a device queued. */
  readonly #queued = new Set<string>()
  #ids = 100
  #now = START

  constructor(count: number, step: () => number, settle: Settle = rightly) {
    this.server = new ModelServer(USER, MUTATORS, step)
    this.devices = Array.from(
      { length: count },
      (_, index) => new SimDevice(idOf(index + 1), this.server, MUTATORS, (index - 1) * 400, settle),
    )
    this.#promises = this.devices.map(() => [])
  }

  run(step: Step): void {
    this.#now += 50
    switch (step.do) {
      case 'push':
        this.#device(step.device).push(step.loss, this.#now)
        break
      case 'poll':
        this.#device(step.device).poll(SHAPE_NAMES[step.shape % SHAPE_NAMES.length] ?? 'acks', step.live)
        break
      case 'restart':
        this.#device(step.device).restart()
        break
      case 'lose-replica':
        this.#device(step.device).loseReplica()
        break
      case 'rotate':
        this.server.rotate(SHAPE_NAMES[step.shape % SHAPE_NAMES.length] ?? 'acks')
        break
      case 'serve':
        this.#answer(step.which)
        break
      default:
        this.#act(step.do, step.device % this.devices.length, step.which)
    }
    this.#check()
  }

  /** Delivers everything, then compares every device with the server. */
  finish(): void {
    for (let round = 0; round < 4; round++) {
      for (const device of this.devices) {
        device.push('none', this.#now)
        for (const name of SHAPE_NAMES) for (let again = 0; again < 2; again++) device.poll(name, false)
        this.#check()
      }
    }
    for (const device of this.devices) {
      if (device.outbox.length > 0 || device.overlaid > 0) throw new Error('something never settled')
      for (const name of SHAPE_NAMES) this.#compare(device, name)
    }
    const { applied } = this.server
    if (new Set(applied).size !== applied.length) throw new Error('something was applied twice')
    const ended = new Set([...applied, ...this.devices.flatMap((device) => device.dead.map(({ item }) => item.id))])
    for (const id of this.#queued) if (!ended.has(id)) throw new Error(`${id} was lost`)
  }

  #compare(device: SimDevice, name: (typeof SHAPE_NAMES)[number]): void {
    const own = new Map(
      device.synced(name).map((row) => [SHAPES[name].key.map((column) => row[column]).join('/'), row]),
    )
    const theirs = this.server.rows(SHAPES[name].table)
    if (own.size !== theirs.length) throw new Error(`${name}: ${own.size} rows instead of ${theirs.length}`)
    for (const row of theirs) {
      const mine = own.get(SHAPES[name].key.map((column) => String(row[column])).join('/'))
      for (const [column, value] of Object.entries(row)) {
        if (typeof value === 'string' && mine?.[column] !== value)
          throw new Error(`${name}.${column}: ${mine?.[column]} instead of ${value}`)
      }
    }
  }

  #act(what: 'create' | 'rename' | 'send' | 'prefer' | 'delete', index: number, which: number): void {
    const mine = this.#chats.filter((chat) => chat.device === index)
    const chat =
      what === 'send' ? this.#chats[which % Math.max(1, this.#chats.length)] : mine[which % Math.max(1, mine.length)]
    const id = this.#id()
    if (what === 'create') {
      const made = this.#id()
      const set = { title: `new ${made}` }
      const chat = { agent_id: idOf(9), agent_version_id: idOf(8), source: 'app', title: set.title }
      const promise = { table: 'chats', key: { id: made }, set }
      const queued =
        which % 2
          ? this.#mutate(index, id, 'chat.create', { id: made, chat }, [promise])
          : this.#send(index, id, made, promise, chat)
      if (queued) this.#chats.push({ id: made, device: index })
    } else if (what === 'prefer') {
      const key = `device${index}.${which % 3}`
      this.#mutate(index, id, 'preference.set', { key, value: which }, [
        { table: 'preferences', key: { user_id: USER, key }, set: { hlc: undefined } },
      ])
    } else if (!chat) {
      return
    } else if (what === 'rename') {
      const set = { title: `title ${id}` }
      this.#mutate(index, id, 'chat.update', { id: chat.id, set }, [{ table: 'chats', key: { id: chat.id }, set }])
    } else if (what === 'delete') {
      this.#mutate(index, id, 'chat.delete', { id: chat.id }, [
        { table: 'chats', key: { id: chat.id }, set: { status: 'deleted' } },
      ])
    } else {
      this.#send(index, id, chat.id)
    }
  }

  /** With `chat`, the message makes its chat too: one mutation on two tables. */
  #send(index: number, id: string, chat_id: string, promise?: Omit<Promised, 'mutation'>, chat?: object): boolean {
    const [user_message_id, answer_message_id, execution_id] = [this.#id(), this.#id(), this.#id()]
    const content = `text ${id}`
    const args = {
      chat_id,
      parent_message_id: null,
      user_message_id,
      answer_message_id,
      execution_id,
      content,
      ...(chat ? { chat } : {}),
    }
    const shown = [
      ...(promise ? [promise] : []),
      { table: 'chat_messages', key: { id: user_message_id }, set: { content } },
      { table: 'chat_messages', key: { id: answer_message_id }, set: {} },
    ]
    const queued = this.#mutate(index, id, 'message.send', args, shown)
    if (queued) this.#sent.push({ answer: answer_message_id })
    return queued
  }

  #mutate(
    index: number,
    id: string,
    name: string,
    args: Record<string, unknown>,
    shown: Omit<Promised, 'mutation'>[],
  ): boolean {
    if (!this.#device(index).mutate(id, name, args, this.#now)) return false
    this.#queued.add(id)
    const promises = this.#promises[index] ?? []
    for (const promise of shown) {
      const same = (other: Promised) =>
        other.table === promise.table && JSON.stringify(other.key) === JSON.stringify(promise.key)
      const before = promises.findIndex(same)
      const merged = { ...promise, set: { ...promises[before]?.set, ...promise.set }, mutation: id }
      if (before >= 0) promises.splice(before, 1)
      promises.push(merged)
    }
    return true
  }

  /** The server finishes an answer. */
  #answer(which: number): void {
    const sent = this.#sent[which % Math.max(1, this.#sent.length)]
    if (!sent || !this.server.row('chat_messages', { id: sent.answer })) return
    this.server.write([
      {
        op: 'update',
        table: 'chat_messages',
        key: { id: sent.answer },
        set: { status: 'sent', content: `answer ${which}` },
      },
    ])
  }

  /** I1: what a device wrote shows on it, unless it was refused. */
  #check(): void {
    this.devices.forEach((device, index) => {
      const refused = new Set(device.dead.map(({ item }) => item.id))
      for (const { table, key, set, mutation } of this.#promises[index] ?? []) {
        if (refused.has(mutation)) continue
        const row = device.row(table, key)
        if (!row) throw new Error(`flicker: ${table} ${JSON.stringify(key)} vanished on device ${index}`)
        for (const [column, value] of Object.entries(set)) {
          if (value !== undefined && row[column] !== value)
            throw new Error(`flicker: ${table}.${column} shows ${String(row[column])} instead of ${String(value)}`)
        }
      }
    })
  }

  #device(index: number): SimDevice {
    const device = this.devices[index % this.devices.length]
    if (!device) throw new Error('no devices')
    return device
  }

  #id(): string {
    return idOf(this.#ids++)
  }
}
