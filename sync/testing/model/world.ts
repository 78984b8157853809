import type { PGlite } from '@electric-sql/pglite'
import { AppError, ERROR_STATUS } from '../../../shared/kernel/errors.ts'
import { MUTATORS } from '../../../shared/registry.ts'
import { buildPerson } from '../../../server/kernel/testing/people.ts'
import { createLog } from '../../../server/kernel/log.ts'
import { openDatabase, type Database } from '../../../server/kernel/db.ts'
import type { Actor } from '../../../server/kernel/request.ts'
import { testHooks } from '../../../server/app/testing/device.ts'
import { replicaColumns } from '../../client/replica-schema.ts'
import type { Replica } from '../../client/replica.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import { butHidden, SHAPE_NAMES, SHAPES, type ShapeDefinition, type ShapeName } from '../../protocol/shapes.ts'
import { push } from '../../server/push/push.ts'
import { startShapeHarness, type ShapeHarness } from '../../server/testing.ts'
import { replicaPg } from '../replica-pg.ts'
import { Ledger } from './ledger.ts'
import { NodeDevice, type Push } from './node-device.ts'

/** A way to get a device or the server wrong. */
export interface Flaw {
  name: string
  replica?: (right: Replica) => Replica
  /** Before each push. */
  forget?: (db: Database) => Promise<unknown>
}

/** What lasts from one run of commands to the next: they take seconds to start. */
export interface Ground {
  db: Database
  harness: ShapeHarness
  replicas: readonly PGlite[]
  close(): Promise<void>
}

export async function prepareGround(devices: number): Promise<Ground> {
  const harness = await startShapeHarness({}, async (db) => {
    // a commit that is not flushed reaches the log 200 ms later
    await db.query(
      `do $$ begin execute format('alter database %I set synchronous_commit = on', current_database()); end $$`,
    )
  })
  const db = openDatabase({ url: harness.databaseUrl, size: 4, name: 'model', log: createLog('silent') })
  const replicas = await Promise.all(Array.from({ length: devices }, replicaPg))
  return {
    db,
    harness,
    replicas,
    close: async () => {
      for (const pg of replicas) await pg.close()
      await db.close()
      await harness.close()
    },
  }
}

/** How long it may take until everything is in step, ms; a world that is known to be wrong is given less. */
const PATIENCE_MS = 20_000
const PATIENCE_WITH_FLAWS_MS = 4000

/** One person, their devices, and the real server. */
export class World {
  readonly devices: NodeDevice[]
  readonly ledger: Ledger
  readonly #ground: Ground
  readonly #actor: Actor
  readonly #flaw: Flaw | undefined
  /** How many answers of pushes get lost, by device. */
  readonly #losing = new Map<NodeDevice, number>()

  private constructor(ground: Ground, actor: Actor, flaw: Flaw | undefined) {
    this.#ground = ground
    this.#actor = actor
    this.#flaw = flaw
    this.ledger = new Ledger()
    this.devices = ground.replicas.map((pg) => {
      const device: NodeDevice = new NodeDevice({
        pg,
        user_id: actor.user_id,
        origin: ground.harness.url,
        push: (device_id, take) => this.#push(device, device_id, take),
        replica: flaw?.replica,
        onShown: (shown) => this.ledger.look(shown),
      })
      return device
    })
  }

  static async open(ground: Ground, flaw?: Flaw): Promise<World> {
    for (const pg of ground.replicas) {
      for (const name of SHAPE_NAMES)
        await pg.exec(`truncate ${SHAPES[name].table}_synced, ${SHAPES[name].table}_local`)
      await pg.exec('truncate sync_cursor, sync_errors, sync_window, sync_chats, sync_snapshots')
    }
    const world = new World(ground, await buildPerson(ground.db), flaw)
    for (const device of world.devices) await device.start()
    await until(async () => world.devices.every(({ shows }) => shows))
    return world
  }

  async close(): Promise<void> {
    for (const device of this.devices) {
      device.line.flow()
      await device.stop()
    }
    await this.ledger.looked()
  }

  restartServer(): Promise<void> {
    return this.#ground.harness.restart()
  }

  /** The log of a shape is gone: its readers fetch it again. */
  async rotate(shape: ShapeName): Promise<void> {
    const [device] = this.devices
    await this.#ground.harness.server.remove(undefined, device?.line.handles.get(shape))
  }

  /** The answers to the device's next pushes are lost, after the server has done what they asked. */
  loseAnswers(device: NodeDevice, count: number): void {
    this.#losing.set(device, count)
  }

  /** A run has come to its end: the server fills the place that was kept for the answer. */
  async answer(message_id: string): Promise<void> {
    await this.#ground.db.query(
      `update chat_messages set status = 'sent', content = 'an answer', updated_at = now() where id = $1 and status = 'sending'`,
      [message_id],
    )
  }

  /** Everything is delivered; then the law. Throws what is broken. */
  async finish(): Promise<void> {
    this.#losing.clear()
    for (const device of this.devices) {
      device.line.flow()
      device.line.mend()
      device.hurry()
    }
    const differences = async () => [...(await this.#waiting()), ...(await this.#differing())]
    const patience = this.#flaw ? PATIENCE_WITH_FLAWS_MS : PATIENCE_MS
    await until(async () => (await differences()).length === 0, patience).catch(async () => {
      throw new Error(`not in step: ${(await differences()).join('; ')}`)
    })
    await this.ledger.looked()
    const applied = await this.#ground.db.query<{ mutation_id: string; status: string }>(
      'select mutation_id, status from mutation_ledger where user_id = $1',
      [this.#actor.user_id],
    )
    const dead = this.devices.map(({ store }) => store.state.dead.map(([, entry]) => entry))
    this.ledger.check(new Map(applied.map(({ mutation_id, status }) => [mutation_id, status])), dead.flat())
    await this.#checkSaves()
  }

  /** Each save of a draft raised its revision once. */
  async #checkSaves(): Promise<void> {
    const rows = await this.#ground.db.query<{ id: string; revision: number; saves: number }>(
      `select d.id, d.revision, (select count(*)::int from mutation_ledger l where l.status = 'applied'
          and l.name = 'draft.update' and l.mutation_id = any($2::uuid[])) as saves
        from agent_drafts d where d.user_id = $1`,
      [this.#actor.user_id, this.ledger.idsOf('draft.update')],
    )
    const saves = rows[0]?.saves ?? 0
    const raised = rows.reduce((sum, { revision }) => sum + revision - 1, 0)
    if (raised !== saves) throw new Error(`${saves} saves raised revisions by ${raised}`)
  }

  async #waiting(): Promise<string[]> {
    return this.devices.flatMap(({ store }, index) =>
      store.state.outbox.map(
        ([seq, { name, outcome, lsn }]) => `${name} ${seq} waits on ${index} (${outcome?.status} ${lsn})`,
      ),
    )
  }

  /** Rows that are not the same on a device and on the server. */
  async #differing(): Promise<string[]> {
    const found: string[] = []
    for (const name of SHAPE_NAMES) {
      const rows = (await this.#ground.db.query<{ row: string }>(textOf(name, false), [this.#actor.user_id])).map(
        ({ row }) => row,
      )
      for (const [index, device] of this.devices.entries()) {
        const here = (await device.read<{ row: string }>(textOf(name, true))).map(({ row }) => row)
        const odd = [...rows.filter((row) => !here.includes(row)), ...here.filter((row) => !rows.includes(row))]
        if (odd.length > 0) found.push(`${name} on ${index}: ${odd.join(' | ').slice(0, 400)}`)
      }
    }
    return found
  }

  async #push(device: NodeDevice, device_id: string, take: Parameters<Push>[1]): ReturnType<Push> {
    const { db } = this.#ground
    if (!device.line.up) return { ok: false, failure: { kind: 'network' } }
    try {
      await this.#flaw?.forget?.(db)
      const body = { protocol: PROTOCOL_VERSION, device_id, mutations: structuredClone([...(await take())]) }
      const reply = await push({ db, mutators: MUTATORS, hooks: testHooks() }, this.#actor, body)
      const losing = this.#losing.get(device) ?? 0
      this.#losing.set(device, losing - 1)
      // whoever cut the line meanwhile has cut the answer off too
      return losing > 0 || !device.line.up ? { ok: false, failure: { kind: 'network' } } : { ok: true, reply }
    } catch (error) {
      if (!(error instanceof AppError)) return { ok: false, failure: { kind: 'http', status: 500 } }
      const status = error.kind === 'user' ? ERROR_STATUS[error.code] : 503
      return { ok: false, failure: { kind: 'http', status, code: error.code } }
    }
  }
}

/** Rows of a shape as Postgres text. */
function textOf(name: ShapeName, here: boolean): string {
  const shape: ShapeDefinition = SHAPES[name]
  const cells = replicaColumns(shape).map((column) => `t.${column.name}::${column.type}::text`)
  const row = `concat_ws('|', ${cells.map((cell) => `coalesce(${cell}, '∅')`).join(', ')}) as row`
  if (here) return `select ${row} from v_${shape.table} t`
  return `select ${row} from ${shape.table} t where t.${shape.owner} = $1${butHidden(shape, 't')}`
}

async function until(condition: () => Promise<boolean>, ms = PATIENCE_MS): Promise<void> {
  const deadline = Date.now() + ms
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it takes too long')
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
