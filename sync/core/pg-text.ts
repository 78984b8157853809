/**
 * A value as the text that Postgres reads for a column of `type`; null for NULL. The replica takes all values as
 * text, so that the applier and the overlay share one way in.
 */
export function pgText(value: unknown, type: string): string | null {
  if (value === null || value === undefined) return null
  if (type === 'jsonb' || type === 'json') return JSON.stringify(value)
  if (type.endsWith('[]') && Array.isArray(value)) return `{${value.map(arrayElement).join(',')}}`
  if (typeof value === 'object') return JSON.stringify(value)
  return String(value)
}

/** Always quoted, so that NULL, empty and special characters need no cases (Postgres manual, 8.15.6). */
function arrayElement(value: unknown): string {
  if (value === null || value === undefined) return 'NULL'
  return `"${String(value).replace(/["\\]/g, '\\$&')}"`
}
