import type { Place } from '../storage/frame-log.ts'

/** A body that is read from the log piece by piece, while its reader takes it. */
export interface PageBody {
  pieces(): AsyncGenerator<Buffer>
}

export type Body = string | PageBody

/** The whole of it, for lines that can only carry text. */
export async function textOf(body: Body): Promise<string> {
  if (typeof body === 'string') return body
  const pieces: Buffer[] = []
  for await (const piece of body.pieces()) pieces.push(piece)
  return Buffer.concat(pieces).toString('utf8')
}

/** Bytes that are read at once. */
const PIECE_BYTES = 256 * 1024
const COMMA = Buffer.from(',')

/** Messages at places as a JSON array, with `end` as its last element. */
export function pageBody(
  read: (places: Place[]) => Buffer[] | Promise<Buffer[]>,
  places: readonly Place[],
  end: string | undefined,
): PageBody {
  return {
    async *pieces() {
      yield Buffer.from('[')
      for (const cuts of inPieces(places)) {
        const bytes = await read(cuts.map(({ place }) => place))
        yield Buffer.concat(bytes.flatMap((part, at) => (cuts[at]?.comma ? [COMMA, part] : [part])))
      }
      yield Buffer.from(end === undefined ? ']' : `,${end}]`)
    },
  }
}

interface Cut {
  place: Place
  /** A comma stands before it. */
  comma: boolean
}

/** The places in their order, cut where they are long, in lists of about PIECE_BYTES. */
function* inPieces(places: readonly Place[]): Generator<Cut[]> {
  let list: Cut[] = []
  let size = 0
  for (const [order, { segment, at, length }] of places.entries()) {
    for (let from = 0; from < length; from += PIECE_BYTES) {
      const place = { segment, at: at + from, length: Math.min(PIECE_BYTES, length - from) }
      list.push({ place, comma: order > 0 && from === 0 })
      size += place.length
      if (size < PIECE_BYTES) continue
      yield list
      list = []
      size = 0
    }
  }
  if (list.length > 0) yield list
}
