import { types, type ParserOptions } from '@electric-sql/pglite'

/** `2026-11-22 16:18:02.5+00` → `2026-11-22T16:18:02.5+00:00`: ISO 8601, which every browser's Date reads. */
function isoTime(text: string): string {
  return text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')
}

/** Values as the row types in `shared/` describe them and as the server's JSON carries them. */
export const PARSERS: ParserOptions = {
  [types.TIMESTAMPTZ]: isoTime,
  [types.TIMESTAMP]: isoTime,
  [types.DATE]: (text) => text,
  [types.NUMERIC]: Number,
  [types.INT8]: Number,
}
