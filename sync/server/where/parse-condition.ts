import type { Comparison, Condition, Operand } from './condition.ts'
import { tokenize, WhereError, type Token } from './lexer.ts'

const MAX_LENGTH = 16_384
const MAX_DEPTH = 64

/**
 * Reads a condition: comparisons, AND/OR/NOT, IN, BETWEEN, [I]LIKE, IS [NOT] NULL, parentheses, constants, `$n`.
 * No functions, casts or subqueries: what is not in the grammar cannot reach the database.
 * Throws WhereError.
 */
export function parseCondition(
  source: string,
  params: Readonly<Record<string, string>>,
  columns: ReadonlySet<string>,
): Condition {
  if (source.length > MAX_LENGTH) throw new WhereError(MAX_LENGTH, 'the condition is too long')
  return new Parser(tokenize(source), params, columns).whole()
}

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  '=': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
}
const KEYWORDS = new Set(['and', 'or', 'not', 'in', 'is', 'between', 'like', 'ilike', 'null', 'true', 'false'])

class Parser {
  private at = 0
  private depth = 0
  private readonly tokens: Token[]
  private readonly params: Readonly<Record<string, string>>
  private readonly columns: ReadonlySet<string>

  constructor(tokens: Token[], params: Readonly<Record<string, string>>, columns: ReadonlySet<string>) {
    this.tokens = tokens
    this.params = params
    this.columns = columns
  }

  whole(): Condition {
    const condition = this.either()
    if (this.token.kind !== 'end') throw this.unexpected()
    return condition
  }

  private get token(): Token {
    return this.tokens[this.at] ?? { kind: 'end', text: '', at: 0 }
  }

  private either(): Condition {
    return this.joined('or', () => this.both())
  }

  private both(): Condition {
    return this.joined('and', () => this.negation())
  }

  private joined(op: 'and' | 'or', part: () => Condition): Condition {
    const args = [part()]
    while (this.takeWord(op)) args.push(part())
    const [only] = args
    return only && args.length === 1 ? only : { op, args }
  }

  private negation(): Condition {
    if (!this.takeWord('not')) return this.predicate()
    return { op: 'not', arg: this.deeper(() => this.negation()) }
  }

  private predicate(): Condition {
    if (this.takeSymbol('(')) {
      const inner = this.deeper(() => this.either())
      this.needSymbol(')')
      return inner
    }
    return this.comparison(this.operand())
  }

  private comparison(operand: Operand): Condition {
    const token = this.token
    const operator =
      token.kind === 'symbol' && Object.hasOwn(COMPARISONS, token.text) ? COMPARISONS[token.text] : undefined
    if (operator) {
      this.at += 1
      return { op: 'compare', operator, left: operand, right: this.operand() }
    }
    if (this.takeWord('is')) {
      const negated = this.takeWord('not')
      if (!this.takeWord('null')) throw this.unexpected()
      return { op: 'is-null', negated, operand }
    }
    const negated = this.takeWord('not')
    if (this.takeWord('in')) return { op: 'in', negated, operand, list: this.list() }
    if (this.takeWord('between')) {
      const low = this.operand()
      if (!this.takeWord('and')) throw this.unexpected()
      return { op: 'between', negated, operand, low, high: this.operand() }
    }
    if (this.takeWord('like')) return { op: 'like', negated, insensitive: false, operand, pattern: this.operand() }
    if (this.takeWord('ilike')) return { op: 'like', negated, insensitive: true, operand, pattern: this.operand() }
    if (negated) throw this.unexpected()
    return { op: 'holds', operand }
  }

  private list(): Operand[] {
    this.needSymbol('(')
    const items = [this.operand()]
    while (this.takeSymbol(',')) items.push(this.operand())
    this.needSymbol(')')
    return items
  }

  private operand(): Operand {
    const token = this.token
    this.at += 1
    switch (token.kind) {
      case 'string':
        return { op: 'text', text: token.text }
      case 'number':
        return { op: 'number', text: token.text }
      case 'param':
        return { op: 'text', text: this.param(token) }
      case 'quoted':
        return this.column(token, token.text)
      case 'word':
        return this.word(token)
      case 'symbol':
        if (token.text === '-' && this.token.kind === 'number') {
          const number = this.token
          this.at += 1
          return { op: 'number', text: `-${number.text}` }
        }
    }
    this.at -= 1
    throw this.unexpected()
  }

  private word(token: Token): Operand {
    const word = token.text.toLowerCase()
    if (word === 'null') return { op: 'null' }
    if (word === 'true' || word === 'false') return { op: 'boolean', value: word === 'true' }
    if (KEYWORDS.has(word)) {
      this.at -= 1
      throw this.unexpected()
    }
    return this.column(token, word)
  }

  private column(token: Token, name: string): Operand {
    if (!this.columns.has(name)) throw new WhereError(token.at, `unknown reference ${name}`)
    return { op: 'column', name }
  }

  private param(token: Token): string {
    const value = Object.hasOwn(this.params, token.text) ? this.params[token.text] : undefined
    if (value === undefined) throw new WhereError(token.at, `parameter $${token.text} was not provided`)
    if (value.includes('\0')) throw new WhereError(token.at, `parameter $${token.text} holds a zero byte`)
    return value
  }

  private deeper<T>(read: () => T): T {
    this.depth += 1
    if (this.depth > MAX_DEPTH) throw new WhereError(this.token.at, 'nested too deeply')
    const result = read()
    this.depth -= 1
    return result
  }

  private takeWord(word: string): boolean {
    const hit = this.token.kind === 'word' && this.token.text.toLowerCase() === word
    if (hit) this.at += 1
    return hit
  }

  private takeSymbol(symbol: string): boolean {
    const hit = this.token.kind === 'symbol' && this.token.text === symbol
    if (hit) this.at += 1
    return hit
  }

  private needSymbol(symbol: string): void {
    if (!this.takeSymbol(symbol)) throw this.unexpected()
  }

  private unexpected(): WhereError {
    const { kind, text, at } = this.token
    // As Electric says it, which lets Postgres' grammar read a statement that begins with words of its own.
    const what = kind === 'end' ? 'at end of input' : `at or near "${text}"`
    return new WhereError(at + 'SELECT 1 WHERE '.length, `syntax error ${what}`)
  }
}
