import { formatHlc } from '../../../shared/kernel/hlc.ts'
import { newId } from '../../../shared/kernel/id.ts'
import { MUTATORS } from '../../../shared/registry.ts'
import type { Mutation, MutationResult } from '../../../sync/protocol/push.ts'
import { PROTOCOL_VERSION } from '../../../sync/protocol/version.ts'
import type { MutationHooks } from '../../../sync/server/push/mutation-hook.ts'
import { push } from '../../../sync/server/push/push.ts'
import { agentHooks } from '../../agent/index.ts'
import { chatHooks } from '../../chat/index.ts'
import type { Database } from '../../kernel/db.ts'
import type { Actor } from '../../kernel/request.ts'
import { openTestDatabase } from '../../kernel/testing/database-pool.ts'
import { buildPerson } from '../../kernel/testing/people.ts'

/** A device of a person: keeps its mutations while it is offline, and pushes them as the real one does. */
export class TestDevice {
  readonly id = newId()
  readonly node = this.id.replaceAll('-', '').slice(-12)
  readonly #db: Database
  readonly #actor: Actor
  #seq = 0
  #counter = 0
  #queue: Mutation[] = []

  constructor(db: Database, actor: Actor) {
    this.#db = db
    this.#actor = actor
  }

  /** Queues; `at` is when the person acted. */
  write(
    name: string,
    args: Record<string, unknown>,
    { at = Date.now(), version = MUTATORS[name]?.version ?? 1 } = {},
  ): void {
    this.#seq += 1
    this.#counter += 1
    const hlc = formatHlc({ ms: at, counter: this.#counter }, this.node)
    const created_at = new Date(at).toISOString()
    this.#queue.push({ id: newId(), seq: this.#seq, name, version, args, hlc, created_at })
  }

  /** Sends what waits, in order. */
  async send(): Promise<MutationResult[]> {
    const mutations = this.#queue
    this.#queue = []
    const body = { protocol: PROTOCOL_VERSION, device_id: this.id, mutations }
    return (await push({ db: this.#db, mutators: MUTATORS, hooks: testHooks() }, this.#actor, body)).results
  }

  /** Acts online. Fails when the server refuses. */
  async act(name: string, args: Record<string, unknown>): Promise<void> {
    this.write(name, args)
    for (const { error } of await this.send()) if (error) throw new Error(`${name}: ${error.code}`)
  }
}

/** A database with one person, who has as many devices as a test asks for. */
export async function openPersonsDatabase() {
  const { db, drop } = await openTestDatabase()
  const person = await buildPerson(db)
  return { db, drop, person, newDevice: () => new TestDevice(db, person) }
}

export type PersonsDatabase = Awaited<ReturnType<typeof openPersonsDatabase>>

/** What the server does beside a mutation's writes, where no runs are worked off. */
export function testHooks(): MutationHooks {
  return { ...chatHooks(NO_WORKER), ...agentHooks() }
}

const NO_WORKER = {
  worker: undefined,
  notifyRuns: () => undefined,
  notifyCancel: () => undefined,
  dailyTokens: async () => 1_000_000,
}
