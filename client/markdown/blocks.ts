import { parse, renderTokens, type MarkdownEnv } from './engine.ts'

/** One top-level block of a text: a paragraph, a list, a code block … */
export interface Block {
  /** Position among the blocks; a block keeps it while the text grows. */
  key: number
  source: string
  html: string
}

/** Blocks at the end that more text may still change: the last, and the one that it may turn out to belong to. */
const OPEN_BLOCKS = 2

/**
 * Renders a growing text and does again only what may have changed: the last two blocks. `clean` makes the HTML safe.
 * Reference links that are defined in a later block need the whole text: call `finish` when it is complete.
 */
export class BlockMemo {
  readonly #env: MarkdownEnv
  readonly #clean: (html: string) => string
  #text = ''
  #closed: Block[] = []
  /** Where the open blocks begin in the text. */
  #closedEnd = 0
  #blocks: Block[] = []

  constructor(env: MarkdownEnv, clean: (html: string) => string) {
    this.#env = env
    this.#clean = clean
  }

  update(text: string): readonly Block[] {
    if (text === this.#text) return this.#blocks
    if (!text.startsWith(this.#text.slice(0, this.#closedEnd))) this.#reset()
    const open = this.#render(text.slice(this.#closedEnd), this.#closed.length)
    const closing = open.slice(0, Math.max(0, open.length - OPEN_BLOCKS))
    this.#closed = [...this.#closed, ...closing]
    this.#closedEnd += closing.reduce((length, block) => length + block.source.length, 0)
    this.#text = text
    this.#blocks = [...this.#closed, ...open.slice(closing.length)]
    return this.#blocks
  }

  /** The complete text, rendered as a whole: what its parts say about each other is right now. */
  finish(text: string): readonly Block[] {
    if (this.#closedEnd === 0 && text === this.#text) return this.#blocks
    this.#reset()
    this.#text = text
    this.#blocks = this.#render(text, 0)
    return this.#blocks
  }

  #reset(): void {
    this.#closed = []
    this.#closedEnd = 0
    this.#text = ''
  }

  #render(text: string, firstKey: number): Block[] {
    const env = { ...this.#env }
    const tokens = parse(text, env)
    const known = this.#blocks
    return split(tokens, text).map(({ from, to, source }, index) => {
      const key = firstKey + index
      const before = known[key]
      if (before?.source === source && !/\[[^\]]+\]/.test(source)) return before
      return { key, source, html: this.#clean(renderTokens(tokens.slice(from, to), env)) }
    })
  }
}

interface Piece {
  from: number
  to: number
  source: string
}

/** Top-level token groups with the text that each covers; the pieces' sources, joined, are the whole text. */
function split(tokens: ReturnType<typeof parse>, text: string): Piece[] {
  const starts: { token: number; line: number }[] = []
  tokens.forEach((token, index) => {
    if (token.level === 0 && token.nesting >= 0 && token.map) starts.push({ token: index, line: token.map[0] })
  })
  const offsets = lineOffsets(text)
  return starts.map(({ token, line }, index) => {
    const next = starts[index + 1]
    const begin = index === 0 ? 0 : (offsets[line] ?? 0)
    const end = next ? (offsets[next.line] ?? text.length) : text.length
    return { from: token, to: next?.token ?? tokens.length, source: text.slice(begin, end) }
  })
}

function lineOffsets(text: string): number[] {
  const offsets = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) offsets.push(at + 1)
  return offsets
}
