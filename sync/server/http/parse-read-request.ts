import { parseOffset, type Offset } from '../shape/offset.ts'
import type { ReadRequest } from './read-shape.ts'

export type ParsedReadRequest = { request: ReadRequest } | { errors: Record<string, string[]> }

/** The protocol's own parameters, checked as Electric checks them, with its words. */
export function parseReadRequest(parameter: (name: string) => string | undefined): ParsedReadRequest {
  const errors: Record<string, string[]> = {}
  const offset = parseOffset(parameter('offset') ?? '')
  if (!offset) errors['offset'] = [parameter('offset') ? 'has invalid format' : "can't be blank"]
  const handle = parameter('handle') || undefined
  if (offset && resumes(offset) && handle === undefined) errors['handle'] = ["can't be blank when offset != -1"]
  const live = isOn(parameter('live'))
  const sse = ['live_sse', 'experimental_live_sse'].some((name) => isOn(parameter(name)))
  const early = live && offset && NOT_LIVE[offset.at]
  if (early) errors['live'] = [early]
  if (sse && !live) errors['live_sse'] = ["can't be true unless live is also true"]
  if (!offset || Object.keys(errors).length > 0) return { errors }
  return { request: { offset, handle, live, sse, cursor: parameter('cursor') } }
}

const NOT_LIVE: Partial<Record<Offset['at'], string>> = {
  before: "can't be true when offset == -1",
  now: "can't be true when offset is 'now'",
}

/** Present, and not `false`. */
function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== 'false'
}

function resumes(offset: Offset): boolean {
  return offset.at === 'snapshot' || offset.at === 'log'
}
