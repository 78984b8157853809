import { v7 } from 'uuid'
import { jsonMark } from './same-json.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** A new id: UUIDv7, made by whoever creates the row, sortable by creation time. */
export function newId(): string {
  return v7()
}

/** Whether `text` is a lower-case UUID. Upper case is refused, so that one row has one spelling. */
export function isId(text: unknown): text is string {
  return typeof text === 'string' && UUID.test(text)
}

/** The id that everybody makes of the same text: for rows that replica and server both make. */
export function derivedId(text: string): string {
  const digest = jsonMark(text) + jsonMark([text])
  // RFC 9562 version 8 (custom), variant 10.
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-a${digest.slice(17, 20)}-${digest.slice(20, 32)}`
}
