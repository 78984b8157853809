import { Type, type TSchema } from 'typebox'

/** Parts that many endpoint contracts share. */
export const nothing = Type.Object({})
export const uuid = Type.String({ format: 'uuid' })
export const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])
/** Closed set of strings. */
export const oneOf = <const T extends readonly string[]>(values: T) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values] })
export const time = Type.String()
/**
 * An object with any keys and values of one kind. `Type.Record` is the same schema, and eleven kilobytes of pattern
 * algebra in every browser.
 */
export const dictionary = <T extends TSchema>(values: T) =>
  Type.Unsafe<Record<string, Type.Static<T>>>({ type: 'object', patternProperties: { '^.*$': values } })
