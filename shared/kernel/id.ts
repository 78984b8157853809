import { v7 } from 'uuid'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** A new id: UUIDv7, made by whoever creates the row, sortable by creation time. */
export function newId(): string {
  return v7()
}

/** Whether `text` is a lower-case UUID. Upper case is refused, so that one row has one spelling. */
export function isId(text: unknown): text is string {
  return typeof text === 'string' && UUID.test(text)
}
