import { Type, type TSchema, type TSchemaOptions } from 'typebox'

/**
 * Column types of row schemas. Each carries the Postgres type in `pg`, from which the replica's DDL is generated
 * and which the drift test compares with the migrations.
 */
const option = (pg: string, more: TSchemaOptions = {}) => ({ pg, ...more })

export const column = {
  uuid: () => Type.String(option('uuid', { format: 'uuid' })),
  text: () => Type.String(option('text')),
  varchar: (length: number) => Type.String(option(`varchar(${length})`, { maxLength: length })),
  /** ISO 8601 with offset, as Postgres prints it. */
  timestamptz: () => Type.String(option('timestamptz')),
  int: () => Type.Integer(option('int4')),
  /** 64-bit; JSON carries it as a number, which is exact below 2^53. */
  bigint: () => Type.Integer(option('int8')),
  bool: () => Type.Boolean(option('bool')),
  numeric: (precision: number, scale: number) => Type.Number(option(`numeric(${precision},${scale})`)),
  jsonb: <T extends TSchema>(schema: T) => Type.Unsafe<Type.Static<T>>({ ...schema, pg: 'jsonb' }),
  /** Any JSON value. */
  json: () => Type.Unsafe<unknown>({ pg: 'jsonb' }),
  textArray: () => Type.Array(Type.String(), option('text[]')),
  /** A varchar limited to a closed set; the migration carries the same set as a CHECK. */
  oneOf: <const T extends readonly string[]>(length: number, values: T) =>
    Type.Unsafe<T[number]>({ type: 'string', enum: [...values], pg: `varchar(${length})` }),
  nullable: <T extends TSchema>(schema: T) =>
    Type.Unsafe<Type.Static<T> | null>({ anyOf: [schema, { type: 'null' }], pg: pgTypeOf(schema), nullable: true }),
}

/** The Postgres type of a column schema made above. */
export function pgTypeOf(schema: TSchema): string {
  if ('pg' in schema && typeof schema.pg === 'string') return schema.pg
  throw new Error('not a column schema')
}

/** Whether a column schema admits NULL. */
export function isNullable(schema: TSchema): boolean {
  return 'nullable' in schema && schema.nullable === true
}
