import type { Mutator } from '../../shared/kernel/mutator.ts'
import { MUTATORS } from '../../shared/registry.ts'
import { SHAPE_NAMES, type ShapeName } from '../protocol/shapes.ts'
import { ModelServer, RIGHT_RULES, type ServerRules } from './model-server.ts'
import { idOf } from './pending.ts'
import { RIGHT, type Practices } from './practices.ts'
import { People, WITHDRAWN_AGENT } from './sim-acts.ts'
import { SimDevice, type SimWorld } from './sim-device.ts'
import { Facts } from './sim-facts.ts'
import { note, poison, poisonHere } from './sim-mutators.ts'
import type { Act, Schedule, Step } from './sim-steps.ts'
import { keyOfCells } from './sim-store.ts'

type DeviceStep = Extract<Step, { device: number }>

/** A world that differs from the right one. */
export interface Variant {
  practices?: Partial<Practices>
  rules?: Partial<ServerRules>
  mutators?: Record<string, Mutator>
}

const USER = '00000000-0000-7000-8000-000000000001'
const LONGER_THAN_A_DAY_MS = 30 * 3_600_000
const START = Date.parse('2026-11-22T00:00:00.000Z')
const SKEWS = [0, -400, 400]
/** To the end of whatever it is. */
const MOST_STEPS = 1000
/** A poisoned mutation is set aside after ten tries, and what lies before the next one goes alone. */
const MOST_ROUNDS = 20

/** Several devices of one person against the model server. Throws when a promise of SPEC.md §3 breaks. */
export class Simulator {
  readonly server: ModelServer
  readonly devices: SimDevice[]
  readonly #facts: Facts
  readonly #people: People
  #acting = false
  #ids = 100
  #now = START

  /** `pace`: how far the WAL moves with each commit. */
  constructor(devices: number, pace: () => number, variant: Variant = {}) {
    const newId = () => idOf(this.#ids++)
    const mutators = { ...MUTATORS, [note.name]: note, [poison.name]: poison, ...variant.mutators }
    this.server = new ModelServer(USER, mutators, pace, { ...RIGHT_RULES, ...variant.rules })
    const world: SimWorld = {
      server: this.server,
      mutators: { ...mutators, [poison.name]: poisonHere },
      practices: { ...RIGHT, ...variant.practices },
      now: () => this.#now,
      newId,
      renamed: (old, id) => this.#facts.renamed(old, id),
      sent: (_, batch) => this.#facts.sent(batch, this.#now),
      stepped: (device) => this.#look(device),
    }
    this.devices = SKEWS.slice(0, devices).map((skew, index) => new SimDevice(idOf(index + 1), world, skew))
    this.#facts = new Facts(this.server, this.devices)
    this.#people = new People(USER, newId)
    this.server.refuses = (write) => write.op === 'insert' && write.row['agent_id'] === WITHDRAWN_AGENT
    const [first] = this.devices
    for (const act of ['create', 'send', 'draft', 'prefer'] as const) if (first) this.#act(act, first, 1)
    for (const device of this.devices) this.#catchUp(device)
  }

  /** Not while somebody is in the middle of an act: nothing has been promised yet. */
  #look(device: SimDevice): void {
    if (!this.#acting) this.#facts.check(device)
  }

  run(step: Step): void {
    this.#now += 50
    if ('device' in step) this.#onDevice(step)
    else this.#onServer(step)
  }

  #onDevice(step: DeviceStep): void {
    const device = this.#device(step.device)
    switch (step.do) {
      case 'act':
        return this.#act(step.act, device, step.which)
      case 'push':
      case 'poll':
        return this.#work(step, device)
      case 'catch up':
        return this.#catchUp(device)
      case 'agree':
        return this.#agree(device)
      case 'continue':
        for (let index = 0; index < step.steps; index++) device.engine.tasks.step(step.which)
        return
      case 'steal':
        device.steal()
        return this.#catchUp(device)
      default:
        return device.meet(step)
    }
  }

  #work(step: Extract<Step, { do: 'push' | 'poll' }>, device: SimDevice): void {
    const worker = device.worker(step.other)
    if (step.do === 'push') worker.start({ do: 'push', fate: step.fate }, step.steps)
    else {
      device.engine.start({ do: 'open' }, MOST_STEPS)
      worker.start({ do: 'poll', shape: shapeAt(step.shape), live: step.live }, step.steps)
    }
    if (step.end) device.restart(step.end)
  }

  #onServer(step: Exclude<Step, DeviceStep>): void {
    switch (step.do) {
      case 'rotate':
        return this.server.rotate(shapeAt(step.shape))
      case 'stall':
        return this.server.stall(shapeAt(step.shape), step.still)
      case 'withdraw':
        return this.server.withdraw(shapeAt(step.shape))
      case 'restart server':
        return this.server.restart()
      case 'move server':
        // that takes minutes: what was on its way has long arrived
        for (const { engine } of this.devices) engine.tasks.drain()
        return this.server.move()
      case 'day':
        this.#now += LONGER_THAN_A_DAY_MS
        return
      case 'pages':
        this.server.page = step.size
        return
      case 'answer':
        return this.#answer(step.which)
      case 'purge':
        return this.#purge(step.which)
    }
  }

  /** Delivers everything, then compares every device with the server. */
  finish(): void {
    this.server.goOn()
    for (const name of SHAPE_NAMES) this.server.stall(name, false)
    for (const device of this.devices) {
      device.line = true
      device.session = true
      device.diskTrouble = 0
    }
    for (let round = 0; round < MOST_ROUNDS && !this.devices.every((device) => this.#inStep(device)); round++) {
      this.#now += 50
      for (const device of this.devices) {
        this.#agree(device)
        this.#catchUp(device)
      }
    }
    for (const device of this.devices) {
      if (!this.#inStep(device)) throw new Error('I4: something never settled')
      for (const name of SHAPE_NAMES) this.#compare(device, name)
    }
    this.#facts.checkEnd()
  }

  #agree(device: SimDevice): void {
    this.#facts.agreed(device.agree(), this.#now)
  }

  #catchUp({ engine, line }: SimDevice): void {
    if (!line) return
    engine.tasks.drain()
    engine.start({ do: 'open' }, MOST_STEPS)
    for (let push = 0; push < 10; push++) engine.start({ do: 'push', fate: 'fine' }, MOST_STEPS)
    for (const shape of SHAPE_NAMES) engine.start({ do: 'poll', shape, live: false }, MOST_STEPS)
  }

  #inStep({ idb, engine }: SimDevice): boolean {
    const current = (name: ShapeName) =>
      engine.commitsHeld(name) === undefined || engine.commitsHeld(name) === this.server.commits
    return idb.outbox.length === 0 && engine.now.local.size === 0 && engine.shows && SHAPE_NAMES.every(current)
  }

  /** I4: the server's rows, all of them and no others; nothing of what may be read no longer. */
  #compare(device: SimDevice, name: ShapeName): void {
    const own = new Map(device.rows(name).map((row) => [keyOfCells(name, row), row]))
    const theirs = device.engine.commitsHeld(name) === undefined ? [] : this.server.cells(name)
    if (own.size !== theirs.length) throw new Error(`I4: ${name} has ${own.size} rows instead of ${theirs.length}`)
    for (const row of theirs) {
      const mine = own.get(keyOfCells(name, row))
      for (const [column, value] of Object.entries(row)) {
        if (mine?.[column] !== value) throw new Error(`I4: ${name}.${column} is ${mine?.[column]}, not ${value}`)
      }
    }
  }

  #act(act: Act, device: SimDevice, which: number): void {
    const wish = this.#people.wish(act, device, which)
    if (!wish) return
    const id = idOf(this.#ids++)
    this.#acting = true
    const hlc = device.mutate({ id, ...wish })
    this.#acting = false
    if (hlc === undefined) return
    wish.done?.()
    this.#facts.promise(this.devices.indexOf(device), id, hlc, wish.facts)
    this.#facts.wrote(id, this.#now, wish.line)
    this.#facts.check(device)
  }

  /** The server finishes an answer. */
  #answer(which: number): void {
    const sent = this.#people.sent[which % Math.max(1, this.#people.sent.length)]
    if (!sent || !this.server.row('chat_messages', { id: sent.answer })) return
    const set = { status: 'sent', content: `answer ${which}` }
    this.server.write([{ op: 'update', table: 'chat_messages', key: { id: sent.answer }, set }])
  }

  /** A chat that was deleted long ago goes for good, with its messages. */
  #purge(which: number): void {
    const deleted = this.server.rows('chats').filter((row) => row['status'] === 'deleted')
    const id = deleted[which % Math.max(1, deleted.length)]?.['id']
    const messages = this.server.rows('chat_messages').filter((row) => row['chat_id'] === id)
    const keys = [
      ...messages.map((row) => ({ table: 'chat_messages', key: { id: String(row['id']) } })),
      ...(id === undefined ? [] : [{ table: 'chats', key: { id: String(id) } }]),
    ]
    if (keys.length === 0) return
    this.#facts.gone(keys)
    this.server.write(keys.map((key) => ({ op: 'delete', ...key })))
  }

  #device(index: number): SimDevice {
    const device = this.devices[index % this.devices.length]
    if (!device) throw new Error('no devices')
    return device
  }
}

function shapeAt(number: number): ShapeName {
  return SHAPE_NAMES[number % SHAPE_NAMES.length] ?? 'acks'
}

/** One schedule to its end. */
export function play({ devices, steps }: Schedule, variant?: Variant): Simulator {
  let commits = 0
  // commits move the WAL by uneven amounts: a later LSN may be one above or far away
  const simulator = new Simulator(devices, () => 1 + ((commits += 7) % 5), variant)
  for (const step of steps) simulator.run(step)
  simulator.finish()
  return simulator
}
