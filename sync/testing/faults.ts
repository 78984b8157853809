import { tick } from '../../shared/kernel/hlc.ts'
import { mutator, type Mutator } from '../../shared/kernel/mutator.ts'
import { MUTATORS } from '../../shared/registry.ts'
import { replay } from '../core/overlay.ts'
import { nextBatch } from '../core/push-batch.ts'
import { afterFailure } from '../core/retry.ts'
import { coveredBy, settled } from '../core/settlement.ts'
import { SHAPE_NAMES, SHAPES, type ShapeName } from '../protocol/shapes.ts'
import { RIGHT, written } from './practices.ts'
import { EMPTY_COPY, EMPTY_STORE, fold, withShape } from './sim-store.ts'
import type { Focus } from './sim-steps.ts'
import type { Variant } from './simulator.ts'

/** A way to get synchronisation wrong, each of which somebody has shipped, and the promise that shows it. */
export interface Fault extends Variant {
  name: string
  /** Where to look for it. */
  focus?: Focus
  /** Any of these shows it. */
  breaks: readonly string[]
}

const ACKS = SHAPES.acks.table
const known = (name: string): Mutator => MUTATORS[name] ?? missing(name)

export const FAULTS: readonly Fault[] = [
  // when a mutation may leave the overlay
  {
    name: 'settling by the answer to the push',
    practices: { settle: (outbox) => outbox.filter(({ outcome }) => outcome) },
    breaks: ['I1', 'I5'],
  },
  {
    name: 'settling by the ack, whatever the other shapes have',
    practices: { settle: (outbox) => outbox.filter(({ outcome, lsn }) => outcome && lsn) },
    breaks: ['I1', 'I5'],
  },
  {
    name: 'settling when one shape of several is there',
    practices: {
      settle: (outbox, cursors) =>
        outbox.filter((item) => {
          const { outcome, lsn, effect } = item
          if (!outcome || !lsn || !effect || effect.tables.length === 0) return RIGHT.settle([item], cursors).length > 0
          return cursors.some(
            (cursor) => effect.tables.includes(cursor.table) && cursor.lsn && BigInt(cursor.lsn) >= BigInt(lsn),
          )
        }),
    },
    breaks: ['I1', 'I4', 'I5'],
  },
  {
    name: 'leaving out a shape that stands still',
    practices: {
      settle: (outbox, cursors) => {
        const first = cursors.reduce(
          (lsn, cursor) => (cursor.lsn && BigInt(cursor.lsn) > lsn ? BigInt(cursor.lsn) : lsn),
          0n,
        )
        return settled(
          outbox,
          cursors.filter(({ table, lsn }) => table === ACKS || lsn === String(first)),
          ACKS,
        )
      },
    },
    breaks: ['I1', 'I5'],
  },
  {
    name: 'settling without regard to earlier mutations of the same rows',
    focus: { acts: ['note'], shapes: placesOf('acks', 'preferences', 'chats') },
    practices: { settle: (outbox, cursors) => outbox.filter((item) => RIGHT.settle([item], cursors).length > 0) },
    breaks: ['I1'],
  },
  {
    name: 'comparing LSNs as text',
    practices: {
      settle: (outbox, cursors) =>
        outbox.filter(
          ({ outcome, lsn, effect }) =>
            outcome &&
            lsn &&
            cursors.every(({ table, lsn: at }) => !effect?.tables.includes(table) || (at ?? '') >= lsn),
        ),
    },
    breaks: ['I1', 'I4', 'I5'],
  },
  {
    name: 'taking an LSN for the end of the WAL instead of that of the ack',
    practices: {
      covered: (outbox, changes, device_id, lsn) =>
        coveredBy(outbox, changes, device_id, lsn).map(({ item, lsn: at }) => ({ item, lsn: String(BigInt(at) + 8n) })),
    },
    breaks: ['I1', 'I4'],
  },
  {
    name: 'giving a mutation the LSN of an ack before its own',
    practices: {
      covered: (outbox, changes, device_id, lsn) =>
        coveredBy(
          outbox.map((item) => ({ ...item, seq: item.seq - 1 })),
          changes,
          device_id,
          lsn,
        ),
    },
    breaks: ['I1', 'I5'],
  },
  {
    name: 'settling by answers while the replica opens',
    practices: { waitsForReplica: false },
    breaks: ['I1', 'I5'],
  },
  {
    name: 'emptying the outbox before the replica is on disk',
    focus: { more: ['end'] },
    practices: { flushed: (_, disk) => disk },
    breaks: ['I1', 'I5'],
  },
  {
    name: 'telling effects once, though a later replay writes more',
    focus: { acts: ['send', 'choose'], shapes: placesOf('acks', 'messages', 'branch_choices') },
    practices: {
      replay: (outbox, base, deps, also) => {
        const result = replay(outbox, base, deps, also)
        const told = new Set(outbox.flatMap(({ id, effect }) => (effect ? [id] : [])))
        return { ...result, effects: new Map([...result.effects].filter(([id]) => !told.has(id))) }
      },
    },
    breaks: ['I1', 'I5'],
  },
  {
    name: 'dropping the effect of a mutation whose replay is refused',
    practices: {
      replay: (outbox, base, deps, also) =>
        replay(
          outbox.map((item) => ({ ...item, effect: undefined })),
          base,
          deps,
          also,
        ),
    },
    breaks: ['I1', 'I4', 'I5', 'I7'],
  },
  {
    name: "covering the server's rows with the insert that asked for them",
    practices: {
      replay: (outbox, base, deps, also) => {
        const result = replay(outbox, base, deps, also)
        const inserted = outbox.flatMap((item) => {
          const alone = replay([item], new Map([...base].map(([key]) => [key, null])), deps)
          return [...alone.rows].filter(([key]) => item.effect?.creates.includes(key))
        })
        return { ...result, rows: new Map([...inserted, ...result.rows]) }
      },
    },
    breaks: ['I1', 'I8'],
  },
  // how rows and positions are written
  {
    name: 'saving the position before the rows',
    focus: { more: ['end'] },
    practices: {
      write: (store, name, batch) => {
        const rows = store.shapes.get(name)?.rows ?? new Map()
        const { position, lsn, commits = -1 } = batch
        return [withShape(store, name, { rows, position, lsn, commits }), written(store, name, batch)]
      },
    },
    breaks: ['I1', 'I4'],
  },
  {
    name: 'going on when a batch could not be written',
    practices: { awaitsWrite: false },
    breaks: ['I1', 'I4'],
  },
  {
    name: 'applying pages before the end of their transaction',
    practices: { awaitsEnd: false },
    breaks: ['I1', 'I4', 'I5', 'I23'],
  },
  {
    name: 'inserting without upserting',
    practices: {
      write: (store, name, batch) => [
        written(store, name, batch, (rows, key, change) =>
          change.kind === 'put' && rows.has(key) ? true : fold(rows, key, change),
        ),
      ],
    },
    breaks: ['I1', 'I4', 'I8'],
  },
  {
    name: 'keeping rows that a shape loaded anew does not have',
    practices: { write: (store, name, batch) => [written(store, name, { ...batch, refetch: false })] },
    breaks: ['I4'],
  },
  {
    name: 'emptying a shape before its new rows are here',
    practices: {
      replicaAtRefetch: (store, name) => withShape(store, name, EMPTY_COPY),
    },
    breaks: ['I1', 'I4'],
  },
  {
    name: 'throwing the whole replica away at a must-refetch',
    practices: { replicaAtRefetch: () => EMPTY_STORE },
    breaks: ['I1', 'I4', 'I5'],
  },
  {
    name: 'emptying the outbox at a must-refetch',
    practices: { outboxAtRefetch: () => [] },
    breaks: ['I1', 'I3', 'I5'],
  },
  {
    name: 'trusting LSNs of before the database was moved',
    practices: { forgetsDoubtful: false },
    breaks: ['I1', 'I5'],
  },
  // the outbox's way
  {
    name: 'keeping the outbox in memory',
    practices: { outboxAfterKill: () => [] },
    breaks: ['I1', 'I3', 'I5'],
  },
  {
    name: 'sending again under a new id',
    practices: { resent: (item, fresh) => ({ ...item, ...fresh() }) },
    breaks: ['I1', 'I2', 'I3', 'I5', 'I24'],
  },
  {
    name: 'sending the newest first',
    practices: {
      batch: (outbox, state) =>
        nextBatch(
          outbox.map((item) => ({ ...item, seq: -item.seq })),
          state,
        ).map((item) => ({ ...item, seq: -item.seq })),
    },
    breaks: ['I1', 'I2', 'I3'],
  },
  {
    name: 'giving a mutation up when a gateway is in trouble',
    practices: {
      failure: (state, failure, size, random) =>
        failure.kind === 'http' && failure.status === 503
          ? { do: 'reject', error: { code: 'server/unavailable' }, state }
          : afterFailure(state, failure, size, random),
    },
    breaks: ['I1', 'I3'],
  },
  {
    name: 'taking every duplicate for a success',
    practices: {
      outcome: ({ status, error }) => (status === 'rejected' && error ? { status, error } : { status: 'applied' }),
    },
    breaks: ['I1', 'I3'],
  },
  {
    name: 'dropping what rests on a refused mutation without a word',
    focus: { acts: ['create', 'send'], shapes: placesOf('acks', 'chats') },
    practices: { dropsDependants: true },
    breaks: ['I1', 'I3'],
  },
  {
    name: 'two leaders at once',
    focus: { acts: ['rename', 'edit'], shapes: placesOf('acks', 'chats', 'drafts'), more: ['steal'] },
    practices: { stopsWithoutLead: false },
    breaks: ['I1', 'I5'],
  },
  {
    name: 'a clock that goes back with the wall clock',
    practices: { tick: (_, now) => tick({ ms: 0, counter: 0 }, now) },
    breaks: ['I1'],
  },
  {
    name: 'sending what has grown old without asking',
    focus: { acts: ['send'], more: ['day'] },
    practices: { held: () => ({ asks: new Set(), waits: new Set() }) },
    breaks: ['I16'],
  },
  {
    name: 'sending what was agreed to in its old place',
    focus: { acts: ['send', 'rename'], more: ['day', 'agree'] },
    practices: { movedTo: (seq) => seq },
    breaks: ['I1', 'I3', 'I4', 'I5'],
  },
  {
    name: 'saving drafts over what others saved',
    focus: { acts: ['save'], shapes: placesOf('acks', 'drafts', 'draft_conflicts') },
    mutators: {
      'draft.update': mutator({
        ...known('draft.update'),
        run: ({ id, set }) => [
          { op: 'update', table: 'agent_drafts', key: { id: String(id) }, set: { ...Object(set) } },
        ],
      }),
    },
    breaks: ['I20'],
  },
  {
    name: 'merging drafts without keeping the version that lost',
    focus: { acts: ['save'], shapes: placesOf('acks', 'drafts', 'draft_conflicts') },
    mutators: {
      'draft.update': mutator({
        ...known('draft.update'),
        run: (args, rows, ctx) => known('draft.update').run(args, rows, ctx).slice(0, 1),
      }),
    },
    breaks: ['I1', 'I20'],
  },
  {
    name: 'sending whole documents',
    practices: {
      args: (name, args, row) => {
        const before = name === 'draft.update' ? row() : undefined
        if (!before || typeof args['set'] !== 'object') return args
        const { system_prompt, description } = before
        return { ...args, set: { system_prompt, description, ...args['set'] } }
      },
    },
    breaks: ['I1', 'I20', 'I24'],
  },
  // the server's part
  {
    name: 'a server without a ledger',
    rules: { known: () => undefined },
    breaks: ['I1', 'I2', 'I3', 'I5', 'I24'],
  },
  {
    name: 'a server that forgets refusals',
    rules: {
      known: (mutation, ledger, last_seq) =>
        ledger.has(mutation.id) || mutation.seq <= last_seq ? { id: mutation.id, status: 'duplicate' } : undefined,
    },
    breaks: ['I1', 'I3'],
  },
  {
    name: 'a server that prunes its ledger while devices still ask',
    rules: {
      known: (mutation, ledger) => {
        const recent = [...ledger].slice(-2)
        const before = recent.find(([id]) => id === mutation.id)?.[1]
        return before && { id: mutation.id, status: 'duplicate', ...(before.error ? { error: before.error } : {}) }
      },
    },
    breaks: ['I1', 'I2', 'I3', 'I5'],
  },
  {
    name: 'a server that acks before the effects are committed',
    rules: { transactions: (writes, ack) => [[ack], writes] },
    breaks: ['I1', 'I5'],
  },
  {
    name: 'a server that says a shape is where the others are',
    rules: { label: (_, now) => now },
    breaks: ['I1', 'I5'],
  },
  {
    name: 'the last to arrive wins',
    mutators: {
      'chat.update': mutator({
        ...known('chat.update'),
        run: ({ id, set }) => [{ op: 'update', table: 'chats', key: { id: String(id) }, set: { ...Object(set) } }],
      }),
    },
    breaks: ['I1', 'I24'],
  },
]

function placesOf(...names: ShapeName[]): number[] {
  return names.map((name) => SHAPE_NAMES.indexOf(name))
}

function missing(name: string): never {
  throw new Error(`no mutator ${name}`)
}
