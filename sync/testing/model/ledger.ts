import type { DeadEntry } from '../../client/device-store.ts'
import type { NodeDevice } from './node-device.ts'

/** A write whose person was told that it is kept. */
export interface Kept {
  id: string
  name: string
  device: NodeDevice
  /** Earlier writes that it has taken up: what becomes of it becomes of them. */
  absorbs: readonly string[]
  /** Rows that it made: they show on its device from then on. */
  rows: readonly { view: string; id: string }[]
}

/** What was acknowledged, and what is promised of it. */
export class Ledger {
  readonly kept: Kept[] = []
  readonly #broken: string[] = []
  readonly #looking = new Map<NodeDevice, Promise<void>>()

  keep(one: Kept): void {
    this.kept.push(one)
  }

  idsOf(name: string): string[] {
    return this.kept.filter((one) => one.name === name).map(({ id }) => id)
  }

  breaks(what: string): void {
    this.#broken.push(what)
  }

  /** Looks at what a device shows: what was written there does not vanish, not even for a moment. */
  look(device: NodeDevice): void {
    const before = this.#looking.get(device) ?? Promise.resolve()
    this.#looking.set(
      device,
      before.then(() => this.#look(device)),
    )
  }

  async #look(device: NodeDevice): Promise<void> {
    if (!device.shows) return
    const expected = this.kept.filter((one) => one.device === device)
    const shown = new Set<string>()
    for (const view of new Set(expected.flatMap(({ rows }) => rows.map((row) => row.view)))) {
      for (const { id } of await device.read<{ id: string }>(`select id::text as id from ${view}`)) shown.add(id)
    }
    const dead = new Set(device.store.state.dead.map(([id]) => id))
    for (const { id, name, rows } of expected) {
      if (dead.has(id)) continue
      for (const row of rows) if (!shown.has(row.id)) this.breaks(`I1: ${row.view} ${row.id} of ${name} ${id} vanished`)
    }
  }

  /** All that was asked to be looked at has been. */
  async looked(): Promise<void> {
    await Promise.all(this.#looking.values())
  }

  /** In the end: what became of everything. */
  check(outcomes: ReadonlyMap<string, string>, dead: readonly DeadEntry[]): void {
    const [first] = this.#broken
    if (first !== undefined) throw new Error(first)
    const buried = new Map(dead.map((entry) => [entry.id, entry]))
    const absorbed = new Set(this.kept.flatMap(({ absorbs }) => absorbs))
    for (const { id, name } of this.kept) {
      if (absorbed.has(id)) continue
      const [status, entry] = [outcomes.get(id), buried.get(id)]
      if (status === 'applied' && entry)
        throw new Error(`I2: ${name} ${id} took effect and lies among the dead letters`)
      if (status !== 'applied' && !entry) throw new Error(`I3: ${name} ${id} was lost (${status})`)
      if (entry && entry.error.code === '') throw new Error(`I3: ${name} ${id} was refused without a reason`)
    }
  }
}
