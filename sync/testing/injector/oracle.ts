import { replicaColumns } from '../../client/replica-schema.ts'
import { butHidden, SHAPE_NAMES, SHAPES, type ShapeDefinition, type ShapeName } from '../../protocol/shapes.ts'
import type { DeviceHandle } from './device-handle.ts'
import type { Acknowledged, Report } from './device-words.ts'
import type { ServerHandle } from './server-handle.ts'

/** Looks at the tables and at the devices' replicas with SQL of its own, and knows nothing of how they came to agree. */
export class Oracle {
  readonly #server: ServerHandle
  readonly #devices: readonly DeviceHandle[]
  readonly #user_id: string

  constructor(server: ServerHandle, devices: readonly DeviceHandle[], user_id: string) {
    this.#server = server
    this.#devices = devices
    this.#user_id = user_id
  }

  /** Why not everything is in step yet; empty when it is. */
  async differences(): Promise<string[]> {
    const found: string[] = []
    const rows = await this.#serverRows()
    for (const device of this.#devices) {
      const report = await device.report(HERE)
      if (!report) found.push(`${device.name} says nothing`)
      else found.push(...differencesOf(device.name, report, rows))
    }
    return found
  }

  async #serverRows(): Promise<Map<ShapeName, string[]>> {
    const all = new Map<ShapeName, string[]>()
    for (const name of SHAPE_NAMES) {
      const rows = await this.#server.query<{ row: string }>(textOf(name, false), [this.#user_id])
      all.set(name, rows.map(({ row }) => row).sort())
    }
    return all
  }

  /** When everything is in step: what was acknowledged and is not there, and what is there twice. */
  async faults(): Promise<string[]> {
    const faults: string[] = []
    const ledger = await this.#server.query<{ mutation_id: string; status: string }>(
      'select mutation_id::text, status from mutation_ledger where user_id = $1',
      [this.#user_id],
    )
    const outcomes = new Map(ledger.map(({ mutation_id, status }) => [mutation_id, status]))
    for (const device of this.#devices) {
      const report = await device.report({})
      const dead = new Map((report?.dead ?? []).map((entry) => [entry.id, entry]))
      const absorbed = new Set(device.acknowledged.flatMap(({ absorbs }) => absorbs))
      for (const write of device.acknowledged) {
        if (absorbed.has(write.id)) continue
        const [status, grave] = [outcomes.get(write.id), dead.get(write.id)]
        if (status === 'applied' && grave) faults.push(`${write.name} ${write.id} is applied and a dead letter`)
        if (status !== 'applied' && !grave)
          faults.push(`${write.name} ${write.id} of ${device.name} is lost (${status})`)
        if (grave && grave.error.code === '') faults.push(`${write.id} is a dead letter without a reason`)
        if (!grave) faults.push(...(await this.#missing(write)))
      }
      faults.push(...(await this.#lostPreferences(device.acknowledged, new Set(dead.keys()))))
    }
    return [...faults, ...(await this.#doubles())]
  }

  async #missing({ id, name, rows }: Acknowledged): Promise<string[]> {
    const missing: string[] = []
    for (const row of rows) {
      const found = await this.#server.query(`select 1 from ${row.table} where id = $1`, [row.id])
      if (found.length !== 1) missing.push(`${row.table} ${row.id} of ${name} ${id} is not there`)
    }
    return missing
  }

  /** A key that one device writes has the value that it wrote last, whatever its clock said. */
  async #lostPreferences(writes: readonly Acknowledged[], dead: ReadonlySet<string>): Promise<string[]> {
    const last = new Map(
      writes.flatMap(({ id, preference }) =>
        preference && !dead.has(id) ? [[preference.key, preference.value] as const] : [],
      ),
    )
    const lost: string[] = []
    for (const [key, value] of last) {
      const [row] = await this.#server.query<{ value: unknown }>(
        'select value from preferences where user_id = $1 and key = $2',
        [this.#user_id, key],
      )
      if (row?.value !== value) lost.push(`I18: preference ${key} is ${String(row?.value)} instead of ${value}`)
    }
    return lost
  }

  async #doubles(): Promise<string[]> {
    const twice = await this.#server.query<{ content: string; times: number }>(
      `select content, count(*)::int as times from chat_messages where user_id = $1 and role = 'user' group by content having count(*) > 1`,
      [this.#user_id],
    )
    const [saves] = await this.#server.query<{ raised: number; saves: number }>(
      `select (select sum(revision - 1)::int from agent_drafts where user_id = $1) as raised,
        (select count(*)::int from mutation_ledger where user_id = $1 and name = 'draft.update' and status = 'applied') as saves`,
      [this.#user_id],
    )
    const found = twice.map(({ content, times }) => `"${content}" is there ${times} times`)
    if (saves && saves.raised !== saves.saves) found.push(`${saves.saves} saves raised revisions by ${saves.raised}`)
    return found
  }
}

function differencesOf(device: string, report: Report, rows: ReadonlyMap<ShapeName, string[]>): string[] {
  const found = report.waiting.map((what) => `${device}: ${what} waits`)
  if (report.mode !== 'replica')
    return [...found, `${device} is ${report.mode}, ${report.state}, ${report.problem ?? ''}`]
  for (const [name, theirs] of rows) {
    const here = new Set(report.rows[name])
    const there = new Set(theirs)
    const odd = [...theirs.filter((row) => !here.has(row)), ...[...here].filter((row) => !there.has(row))]
    if (odd.length > 0 || here.size !== theirs.length)
      found.push(`${name} on ${device}: ${odd.slice(0, 2).join(' ≠ ').slice(0, 600)}`)
  }
  return found
}

/** Rows of a shape as Postgres text. */
function textOf(name: ShapeName, here: boolean): string {
  const shape: ShapeDefinition = SHAPES[name]
  const cells = replicaColumns(shape).map((column) => `coalesce(t.${column.name}::${column.type}::text, '∅')`)
  const from = here ? `v_${shape.table} t` : `${shape.table} t where t.${shape.owner} = $1${butHidden(shape, 't')}`
  return `select concat_ws('|', ${cells.join(', ')}) as row from ${from}`
}

const HERE = Object.fromEntries(SHAPE_NAMES.map((name) => [name, textOf(name, true)]))
