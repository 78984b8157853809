import fc from 'fast-check'
import { expect, it } from 'vitest'
import { formatHlc } from '../kernel/hlc.ts'
import { newId } from '../kernel/id.ts'
import { rowKeyText, type MutationContext, type Reader, type Row, type Write } from '../kernel/mutator.ts'
import { jsonMark } from '../kernel/same-json.ts'
import { settleConflict, updateDraft } from './draft-mutators.ts'
import { joinSaves } from './join-saves.ts'
import { openConflicts } from './merge/merge-draft.ts'

/** Any number of saves, sent in any order, of devices that see each other now and then. */

const DRAFT = newId()

/** Rows of one side: the server's, or what a device shows. */
class Rows implements Reader {
  readonly rows: Map<string, Row>
  constructor(rows: Iterable<[string, Row]> = []) {
    this.rows = new Map(rows)
  }
  get(table: string, key: Record<string, string>): Row | undefined {
    return this.rows.get(rowKeyText(table, key))
  }
  apply(writes: readonly Write[]): void {
    for (const write of writes) {
      const row = write.op === 'insert' ? write.row : write.op === 'update' ? write.set : {}
      const key = write.op === 'update' ? write.key : { id: String(row['id']) }
      const name = rowKeyText(write.table, key)
      this.rows.set(name, { ...this.rows.get(name), ...row })
    }
  }
  get draft(): Row {
    return this.get('agent_drafts', { id: DRAFT }) ?? {}
  }
  get text(): string[] {
    return String(this.draft['system_prompt']).split('\n')
  }
  get conflicts(): Row[] {
    return [...this.rows.values()].filter((row) => 'settled_at' in row && row['settled_at'] === null)
  }
}

type Mutation = { ctx: MutationContext; effect?: Write[] } & (
  | { settles: false; args: Parameters<typeof updateDraft.run>[0] }
  | { settles: true; args: Parameters<typeof settleConflict.run>[0] }
)

function run(mutation: Mutation, on: Rows): void {
  const { ctx } = mutation
  const writes = mutation.settles ? settleConflict.run(mutation.args, on, ctx) : updateDraft.run(mutation.args, on, ctx)
  mutation.effect = writes
  on.apply(writes)
}

class Device {
  readonly #node: string
  #pulled: Rows
  #pending: Mutation[] = []
  constructor(node: string, server: Rows) {
    this.#node = node
    this.#pulled = new Rows(server.rows)
  }
  /** What the person sees: the server's rows of last time, with one's own changes on top. */
  get view(): Rows {
    const view = new Rows(this.#pulled.rows)
    for (const mutation of this.#pending) {
      try {
        run(mutation, view)
      } catch {
        // As on a replica: a replay that refuses keeps the effect that it had.
        view.apply(mutation.effect ?? [])
      }
    }
    return view
  }
  #context(at: number): MutationContext {
    const hlc = formatHlc({ ms: at, counter: 0 }, this.#node)
    return { user_id: 'u', now: new Date(at).toISOString(), hlc, mutation_id: newId() }
  }
  save(lines: readonly string[], at: number): void {
    const base = { system_prompt: this.view.text.join('\n') }
    const args = { id: DRAFT, set: { system_prompt: lines.join('\n') }, base }
    const last = this.#pending.at(-1)
    const joined = last && !last.settles && joinSaves(last.args, args)
    // a device that was sending when it was saved keeps them apart
    if (joined && at % 2 === 0) this.#pending.pop()
    const { set } = args
    const from = joined && at % 2 === 0 ? Object(joined['base']) : base
    this.#pending.push({ settles: false, args: { id: DRAFT, set, base: from }, ctx: this.#context(at) })
  }
  settle(at: number): void {
    const { view } = this
    const [conflict] = view.conflicts
    if (!conflict) return
    const [text, mine] = [view.text.join('\n'), String(conflict['mine'])]
    const value = `${text}\n${mine}`
    const args = {
      id: String(conflict['id']),
      draft_id: DRAFT,
      choice: 'edited',
      seen: jsonMark(mine),
      over: text,
      value,
    } as const
    this.#pending.push({ settles: true, args, ctx: this.#context(at) })
  }
  /** Sends the first `count` of what waits; answers with what was refused. */
  push(server: Rows, count: number): Mutation[] {
    const sent = this.#pending.splice(0, count)
    return sent.filter((mutation) => {
      try {
        run(mutation, server)
        return false
      } catch {
        return true
      }
    })
  }
  pull(server: Rows): void {
    this.#pulled = new Rows(server.rows)
  }
}

const step = fc.record({
  device: fc.integer({ min: 0, max: 2 }),
  act: fc.constantFrom('replace', 'replace', 'insert', 'insert', 'push', 'pull', 'settle'),
  at: fc.nat({ max: 9 }),
})

it('loses no line (I20): it is in the draft, in an open conflict, in what was refused, or somebody who saw it wrote over it', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 60, size: 'max' }), (steps) => {
      const system_prompt = 'one\ntwo\nthree\nfour\nfive'
      const row = { id: DRAFT, system_prompt, revision: 1, deleted_at: null, field_clock: {}, conflicts: [] }
      const server = new Rows([[rowKeyText('agent_drafts', { id: DRAFT }), row]])
      const devices = ['aaaa', 'bbbb', 'cccc'].map((node) => new Device(node, server))
      const written = new Set<string>()
      const refused: Mutation[] = []
      steps.forEach(({ device: number, act, at }, index) => {
        const device = devices[number]
        if (!device) return
        if (act === 'push') refused.push(...device.push(server, at + 1))
        else if (act === 'pull') device.pull(server)
        else if (act === 'settle') device.settle(index + 1)
        else {
          const lines = device.view.text
          const place = at % lines.length
          const line = `line ${index} of ${number}`
          if (act === 'replace') written.delete(lines[place] ?? '')
          written.add(line)
          device.save(lines.toSpliced(place, act === 'replace' ? 1 : 0, line), index + 1)
        }
      })
      for (const device of devices) refused.push(...device.push(server, Infinity))
      const left = JSON.stringify([server.text, server.conflicts.map(({ mine }) => mine), refused])
      for (const line of written) expect(left).toContain(line)
      expect(openConflicts(server.draft).map(({ id }) => id)).toEqual(server.conflicts.map(({ id }) => id))
    }),
    { numRuns: 200 },
  )
})
