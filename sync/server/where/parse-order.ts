import pg from 'pg'
import { tokenize, WhereError, type Token } from './lexer.ts'

const MAX_TERMS = 16

/**
 * Reads `column [asc|desc] [nulls first|last], …` and gives it back as SQL over a row named `t`: columns only, every
 * name quoted anew. Throws WhereError.
 */
export function parseOrder(source: string, columns: ReadonlySet<string>): string {
  const tokens = tokenize(source)
  let at = 0
  const token = (): Token => tokens[at] ?? { kind: 'end', text: '', at: source.length }
  const word = (...words: string[]): string | undefined => {
    const { kind, text } = token()
    const found = kind === 'word' ? text.toLowerCase() : ''
    if (!words.includes(found)) return undefined
    at += 1
    return found
  }
  const terms: string[] = []
  do {
    terms.push(`t.${pg.escapeIdentifier(column(token(), columns))}`)
    at += 1
    const direction = word('asc', 'desc')
    if (direction) terms.push(direction)
    if (word('nulls')) {
      const place = word('first', 'last')
      if (!place) throw unexpected(token())
      terms.push(`nulls ${place}`)
    }
    if (terms.length > 3 * MAX_TERMS) throw new WhereError(token().at, 'too many columns')
    terms.push(',')
  } while (token().kind === 'symbol' && token().text === ',' && ++at)
  if (token().kind !== 'end') throw unexpected(token())
  return terms.slice(0, -1).join(' ')
}

function column(token: Token, columns: ReadonlySet<string>): string {
  if (token.kind !== 'word' && token.kind !== 'quoted') throw unexpected(token)
  const name = token.kind === 'word' ? token.text.toLowerCase() : token.text
  if (!columns.has(name)) throw new WhereError(token.at, `unknown reference ${name}`)
  return name
}

function unexpected({ kind, text, at }: Token): WhereError {
  return new WhereError(at, kind === 'end' ? 'unexpected end of the order' : `unexpected ${JSON.stringify(text)}`)
}
