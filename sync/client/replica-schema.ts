import { pgTypeOf } from '../../shared/kernel/column.ts'
import { SHAPE_NAMES, SHAPES, type ShapeDefinition, type ShapeName } from '../protocol/shapes.ts'

/** Raised when the replica's own tables or the way it is filled change; the column types raise the hash by themselves. */
const LAYOUT = 2

export interface ReplicaColumn {
  name: string
  type: string
}

/** Indexes beyond the keys, for the named queries. */
const INDEXES: Partial<Record<ShapeName, readonly string[]>> = {
  messages: ['chat_id, seq', 'status'],
  runs: ['answer_message_id', 'chat_id'],
  installs: ['agent_id'],
  drafts: ['agent_id'],
}

/** Columns of a shape's tables here. Lengths are the server's business: a longer value must not be refused. */
export function replicaColumns(shape: ShapeDefinition): ReplicaColumn[] {
  return Object.entries(shape.row.properties).map(([name, schema]) => ({ name, type: localType(pgTypeOf(schema)) }))
}

export function localType(type: string): string {
  return type.startsWith('varchar') ? 'text' : type
}

/**
 * DDL of the whole replica: for each shape `<t>_synced` (the applier writes it), `<t>_local` (the overlay) and the
 * view `v_<t>` that queries read. No constraint but the keys: the server's rows are right by definition.
 */
export function replicaDdl(): string {
  return [
    'create table sync_cursor (shape text primary key, handle text not null, log_offset text not null, lsn text)',
    `create table sync_errors (id int generated always as identity primary key, shape text not null, op text not null,
      row_json text not null, error text not null, at timestamptz not null default now())`,
    // What is held of messages: those since a time, and chats that were read whole.
    'create table sync_window (since timestamptz not null)',
    'create table sync_chats (chat_id uuid primary key, opened_at timestamptz not null default now())',
    // Snapshots that rows were read from, until the log has passed them.
    `create table sync_snapshots (id int generated always as identity primary key, sight jsonb not null,
      lsn text not null, ids jsonb not null)`,
    // Not empty: rows were taken over from a replica of another schema, for the time until each shape has come.
    'create table sync_carried (at timestamptz not null default now())',
    ...SHAPE_NAMES.flatMap((name) => shapeDdl(name)),
  ].join(';\n')
}

function shapeDdl(name: ShapeName): string[] {
  const shape: ShapeDefinition = SHAPES[name]
  const { table, key } = shape
  const columns = replicaColumns(shape)
  const defined = columns.map((column) => `${column.name} ${column.type}`).join(', ')
  const names = (prefix: string) => columns.map((column) => `${prefix}.${column.name}`).join(', ')
  const sameKey = key.map((column) => `l.${column} = s.${column}`).join(' and ')
  return [
    `create table ${table}_synced (${defined}, primary key (${key.join(', ')}))`,
    `create table ${table}_local (${defined}, _deleted boolean not null default false, _pending_since timestamptz, primary key (${key.join(', ')}))`,
    `create view v_${table} as
      select ${names('s')} from ${table}_synced s where not exists (select 1 from ${table}_local l where ${sameKey})
      union all select ${names('l')} from ${table}_local l where not l._deleted`,
    ...(INDEXES[name] ?? []).map((index) => `create index on ${table}_synced (${index})`),
  ]
}

/** Part of the replica's name: another schema is another replica, built beside the old one. */
export function schemaHash(): string {
  let hash = 0xcbf29ce484222325n
  for (const character of `${LAYOUT}\n${replicaDdl()}`) {
    // FNV-1a, 64 bits
    hash = ((hash ^ BigInt(character.codePointAt(0) ?? 0)) * 0x100000001b3n) & 0xffffffffffffffffn
  }
  return hash.toString(16).padStart(16, '0')
}
