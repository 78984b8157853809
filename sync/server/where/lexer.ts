/** Tokens of a condition. `at` counts characters from the start. */
export type Token =
  | { kind: 'word'; text: string; at: number }
  | { kind: 'quoted'; text: string; at: number }
  | { kind: 'string'; text: string; at: number }
  | { kind: 'number'; text: string; at: number }
  | { kind: 'param'; text: string; at: number }
  | { kind: 'symbol'; text: string; at: number }
  | { kind: 'end'; text: ''; at: number }

/** A condition that we do not read; the text follows Electric's: `At location N: …`. */
export class WhereError extends Error {
  constructor(at: number, what: string) {
    super(`At location ${at}: ${what}`)
    this.name = 'WhereError'
  }
}

const PATTERNS: readonly (readonly [Exclude<Token['kind'], 'end'>, RegExp])[] = [
  // No doubled meaning: strings know only '' and identifiers only "", as with standard_conforming_strings.
  ['string', /'((?:[^'\0]|'')*)'/y],
  ['quoted', /"((?:[^"\0]|"")+)"/y],
  ['param', /\$(\d{1,4})(?![\w$])/y],
  ['number', /(\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?|\.\d+)(?![\w.$])/y],
  ['word', /([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)(?!['$])/y],
  ['symbol', /(<>|!=|<=|>=|=|<|>|\(|\)|,|\.|-|\+)/y],
]

export function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  for (;;) {
    while (/\s/.test(source.charAt(at))) at += 1
    if (at >= source.length) break
    const token = next(source, at)
    tokens.push(token.token)
    at = token.end
  }
  tokens.push({ kind: 'end', text: '', at })
  return tokens
}

function next(source: string, at: number): { token: Token; end: number } {
  // `-5 - -3` has no use in conditions, and `--` would begin a comment.
  if (source.startsWith('--', at) || source.startsWith('/*', at)) throw new WhereError(at, 'comments are not allowed')
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at
    const match = pattern.exec(source)
    if (!match) continue
    const raw = match[1] ?? ''
    const text = kind === 'string' ? raw.replaceAll("''", "'") : kind === 'quoted' ? raw.replaceAll('""', '"') : raw
    return { token: { kind, text, at }, end: pattern.lastIndex }
  }
  throw new WhereError(at, `unexpected character ${JSON.stringify(source.charAt(at))}`)
}
