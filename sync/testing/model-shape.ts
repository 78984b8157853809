import { pgTypeOf } from '../../shared/kernel/column.ts'
import type { Row } from '../../shared/kernel/mutator.ts'
import { keyColumns } from '../core/effect.ts'
import { pgText } from '../core/pg-text.ts'
import type { SubsetAnswer } from '../protocol/subset.ts'
import { SHAPES, type ShapeDefinition, type ShapeName } from '../protocol/shapes.ts'

type Cells = Record<string, string | null>

/** Where the server stands: its WAL, and how many commits it has made. The WAL may jump back; commits only count up. */
export interface Point {
  lsn: bigint
  commits: number
}

export interface LogEntry extends Point {
  /** Place within its transaction. */
  position: number
  op: 'insert' | 'update' | 'delete'
  value: Cells
}

export interface ShapeReply {
  status: number
  headers: Record<string, string>
  body: string
  /** Commits that a reader holds who has read up to here; only the simulator looks. */
  commits?: number
}

export interface ReadOptions {
  offset: string
  live: boolean
  /** `log=changes_only`: what was there before does not come. */
  partial: boolean
  timedOut: boolean
  now: Point
  /** Messages an answer. */
  page: number
  /** What an up-to-date says of a shape that is complete up to `seen` while the server is at `now`. */
  label: (seen: bigint, now: bigint) => bigint
}

/** One life of a shape: a snapshot, made when it is first asked for, and the log since. */
export class ModelShape {
  readonly handle: string
  /** Its consumer stands still here: later commits are not in the log yet. */
  stalled: Point | undefined
  readonly #name: ShapeName
  readonly #rows: () => Row[]
  readonly #log: LogEntry[] = []
  #snapshot: (Point & { messages: object[] }) | undefined

  constructor(name: ShapeName, handle: string, rows: () => Row[]) {
    this.#name = name
    this.handle = handle
    this.#rows = rows
  }

  add(entry: LogEntry): void {
    this.#log.push(entry)
  }

  /** Values of a row as the wire carries them. */
  cells(row: Row): Cells {
    const shape: ShapeDefinition = SHAPES[this.#name]
    const types = Object.entries(shape.row.properties)
    return Object.fromEntries(
      types.filter(([name]) => name in row).map(([name, schema]) => [name, pgText(row[name], pgTypeOf(schema))]),
    )
  }

  /** One answer; undefined: a live read that has nothing yet. */
  read(options: ReadOptions): ShapeReply | undefined {
    const { offset, live, partial, timedOut, now, page, label } = options
    const seen = this.stalled ?? now
    if (offset === 'now') return this.#reply([], `${seen.lsn}_0`, seen, label(seen.lsn, now.lsn), live)
    const snapshot = (this.#snapshot ??= this.#makeSnapshot(now))
    const from = placeOf(offset, snapshot.messages.length)
    const head = snapshot.messages.slice(from.skip, from.skip + page)
    const visible = this.#between(partial ? undefined : snapshot, seen)
    const after = visible.filter((entry) => isAfter(entry, from))
    const tail = after.slice(0, page - head.length)
    if (live && tail.length === 0 && !timedOut) return undefined
    const last = tail.at(-1)
    const read = from.skip + head.length
    const whole = read === snapshot.messages.length && tail.length === after.length
    const complete = seen.commits < snapshot.commits ? snapshot : seen
    // as Electric does: a live answer with rows speaks of its own shape only
    const lsn = live && last ? last.lsn : label(complete.lsn, now.lsn)
    const end = last ? `${last.lsn}_${last.position}` : from.lsn === undefined ? `0_${read}` : offset
    const messages = [...head, ...tail.map((entry) => message(this.#name, entry))]
    return this.#reply(messages, end, whole ? complete : undefined, lsn, live)
  }

  /** Without `from`, since the log began. */
  #between(from: Point | undefined, to: Point): LogEntry[] {
    return this.#log.filter(({ commits }) => commits > (from?.commits ?? -1) && commits <= to.commits)
  }

  #reply(messages: object[], offset: string, complete: Point | undefined, lsn: bigint, live: boolean): ShapeReply {
    if (complete) messages.push({ headers: { control: 'up-to-date', global_last_seen_lsn: String(lsn) } })
    return {
      status: 200,
      headers: {
        'electric-handle': this.handle,
        'electric-offset': offset,
        ...(complete ? { 'electric-up-to-date': '' } : {}),
        ...(live ? { 'electric-cursor': String(Date.now()) } : { 'electric-schema': '{"x":{"type":"text"}}' }),
      },
      body: JSON.stringify(messages),
      ...(complete ? { commits: complete.commits } : {}),
    }
  }

  #makeSnapshot(now: Point): Point & { messages: object[] } {
    return { ...now, messages: this.#rows().map((row) => this.#inserted(row)) }
  }

  /** Rows read apart, newest first: one chat, or since a time. */
  subset({ now, query }: { now: Point; query: Readonly<Record<string, string | undefined>> }): ShapeReply {
    const { subset, value = '', limit = '1000', before, offset = 'now' } = query
    const rows = this.#rows()
      .filter((row) =>
        subset === 'chat' ? row['chat_id'] === value : Date.parse(String(row['created_at'])) >= Date.parse(value),
      )
      .filter((row) => before === undefined || Number(row['seq']) < Number(before))
      .sort((a, b) => Number(b['seq']) - Number(a['seq']))
      .slice(0, Number(limit))
    const next = String(now.commits + 1)
    const metadata = { xmin: next, xmax: next, xip_list: [], snapshot_mark: 1, database_lsn: String(now.lsn) }
    const answer: SubsetAnswer = { metadata, data: rows.map((row) => this.#inserted(row)) }
    const place = offset === 'now' ? `${(this.stalled ?? now).lsn}_0` : offset
    return {
      status: 200,
      headers: { 'electric-handle': this.handle, 'electric-offset': place },
      body: JSON.stringify(answer),
    }
  }

  #inserted(row: Row): SubsetAnswer['data'][number] {
    return {
      key: keyOf(this.#name, row),
      value: this.cells(row),
      headers: { operation: 'insert', relation: ['public', SHAPES[this.#name].table] },
    }
  }
}

/** A place in a shape: so many rows of its snapshot, then the log behind an LSN and a position in its transaction. */
interface Place {
  skip: number
  /** Undefined: in the snapshot. */
  lsn: bigint | undefined
  position: number
}

/** Offsets are `-1`, `0_<rows>`, `0_inf` and `<lsn>_<position>`. */
function placeOf(offset: string, rows: number): Place {
  const [first = '-1', second = '0'] = offset.split('_')
  if (first === '-1') return { skip: 0, lsn: undefined, position: 0 }
  if (first === '0') return { skip: second === 'inf' ? rows : Number(second), lsn: undefined, position: 0 }
  return { skip: rows, lsn: BigInt(first), position: Number(second) }
}

function isAfter(entry: LogEntry, { lsn, position }: Place): boolean {
  return lsn === undefined || entry.lsn > lsn || (entry.lsn === lsn && entry.position > position)
}

function message(name: ShapeName, { lsn, commits, position, op, value }: LogEntry): object {
  const headers = { operation: op, lsn: String(lsn), op_position: position, txids: [commits] }
  return { key: keyOf(name, value), value, headers }
}

function keyOf(name: ShapeName, row: Row): string {
  return `"public"."${SHAPES[name].table}"${keyColumns(SHAPES[name].table)
    .map((column) => `/"${String(row[column])}"`)
    .join('')}`
}
