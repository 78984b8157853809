import { createHash } from 'node:crypto'

/** Rows as texts, to compare whatever order they and their columns come in. */
export function lines(rows: readonly unknown[]): string[] {
  return rows.map((row) => JSON.stringify(row, Object.keys(Object(row)).sort())).sort()
}

/** How many rows, and a hash of them: for rows that are too many or too long to be read in a failure. */
export function outline(rows: readonly unknown[]): string {
  const hash = createHash('sha1').update(lines(rows).join()).digest('hex')
  return `${rows.length} rows ${hash}`
}
