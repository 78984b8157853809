/**
 * What Postgres can hold: no NUL, no half of a surrogate pair. Models send both, and one such character would make the
 * whole end of a run fail.
 */
export function storableText(text: string): string {
  return (text.includes('\0') ? text.replaceAll('\0', '') : text).toWellFormed()
}

/** JSON text of `value` that jsonb accepts. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'string' ? storableText(inner) : inner))
}

/** A plain JSON value with every text in it made storable. */
export function storable<T>(value: T): T {
  return JSON.parse(storableJson(value))
}
