import { Type } from 'typebox'
import type { ClientFrame } from '../../sync/protocol/socket.ts'
import { issueOf } from '../kernel/validate.ts'

/** Chosen by the client, and sent back with the answer. */
const id = Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })

const clientFrame = Type.Union([
  Type.Object({ t: Type.Literal('ping') }),
  Type.Object({ t: Type.Literal('poll.cancel'), id }),
  Type.Object({
    t: Type.Literal('poll'),
    id,
    shape: Type.String(),
    query: Type.Record(Type.String(), Type.String(), { maxProperties: 32 }),
    follow: Type.Optional(Type.Literal(true)),
  }),
])

/** A frame of the protocol, or undefined for anything else. */
export function parseFrame(text: string): ClientFrame | undefined {
  const value = parseJson(text)
  // Checked against the schema, which says what the type says.
  return issueOf(clientFrame, value) ? undefined : (value as ClientFrame)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
