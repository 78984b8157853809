/** Where a reader stands in a shape's log (protocol of Electric: `-1`, `now`, `0_<chunk>`, `0_inf`, `<lsn>_<position>`). */
export type Offset =
  | { at: 'before' }
  | { at: 'now' }
  /** The end of a chunk of the snapshot; Infinity is the end of the snapshot. */
  | { at: 'snapshot'; chunk: number }
  | { at: 'log'; lsn: bigint; position: number }

const FORMAT = /^(?:-1|now|(\d{1,20})_(\d{1,15}|inf))$/

/** The offset that `text` spells, or undefined. */
export function parseOffset(text: string): Offset | undefined {
  const match = FORMAT.exec(text)
  if (!match) return undefined
  if (text === '-1') return { at: 'before' }
  if (text === 'now') return { at: 'now' }
  const lsn = BigInt(match[1] ?? '0')
  const position = match[2] === 'inf' ? Number.POSITIVE_INFINITY : Number(match[2])
  return lsn === 0n ? { at: 'snapshot', chunk: position } : { at: 'log', lsn, position }
}

export function formatOffset(offset: Offset): string {
  switch (offset.at) {
    case 'before':
      return '-1'
    case 'now':
      return 'now'
    case 'snapshot':
      return `0_${offset.chunk === Number.POSITIVE_INFINITY ? 'inf' : offset.chunk}`
    case 'log':
      return `${offset.lsn}_${offset.position === Number.POSITIVE_INFINITY ? 'inf' : offset.position}`
  }
}
