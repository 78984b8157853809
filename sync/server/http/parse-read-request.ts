import { parseOffset, type Offset } from '../shape/offset.ts'
import type { ReadRequest } from './read-shape.ts'

export type ParsedReadRequest = { request: ReadRequest } | { errors: Record<string, string[]> }

/** The protocol's own parameters, checked as Electric checks them, with its words. */
export function parseReadRequest(parameter: (name: string) => string | undefined): ParsedReadRequest {
  const errors: Record<string, string[]> = {}
  const spelled = parameter('offset')
  const offset = spelled === undefined ? undefined : parseOffset(spelled)
  if (spelled === undefined || spelled === '') errors['offset'] = ["can't be blank"]
  else if (!offset) errors['offset'] = ['has invalid format']
  const handle = parameter('handle') || undefined
  if (offset && resumes(offset) && handle === undefined) errors['handle'] = ["can't be blank when offset != -1"]
  const live = (parameter('live') ?? 'false') !== 'false'
  if (live && offset?.at === 'before') errors['live'] = ["can't be true when offset == -1"]
  const sse = [parameter('live_sse'), parameter('experimental_live_sse')].some(
    (value) => (value ?? 'false') !== 'false',
  )
  if (sse && !live) errors['live_sse'] = ["can't be true unless live is also true"]
  if (!offset || Object.keys(errors).length > 0) return { errors }
  return { request: { offset, handle, live, sse, cursor: parameter('cursor') } }
}

function resumes(offset: Offset): boolean {
  return offset.at === 'snapshot' || offset.at === 'log'
}
