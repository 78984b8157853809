import type { MarkedToken } from 'marked'
import { parse } from './parse.ts'

/** One top-level block of a text: a paragraph, a list, a code block … */
export interface Block {
  /** Position among the blocks; a block keeps it while the text grows. */
  key: number
  source: string
  tokens: readonly MarkedToken[]
}

/** Blocks at the end that more text may still change: the last, and the one that it may turn out to belong to. */
const OPEN_BLOCKS = 2
const LINE_END = /\r\n?/g

/**
 * Parses a growing text and does again only what may have changed: the last two blocks. A block that stays the same
 * stays the same object. Reference links that are defined in a later block need the whole text: call `finish` when it is complete.
 */
export class BlockMemo {
  #text = ''
  #closed: Block[] = []
  /** Where the open blocks begin in the text. */
  #closedEnd = 0
  #blocks: Block[] = []

  update(given: string): readonly Block[] {
    const text = given.replaceAll(LINE_END, '\n')
    if (text === this.#text) return this.#blocks
    if (!text.startsWith(this.#text.slice(0, this.#closedEnd))) this.#reset()
    const open = this.#parse(text.slice(this.#closedEnd), this.#closed.length)
    const closing = open.slice(0, Math.max(0, open.length - OPEN_BLOCKS))
    this.#closed = [...this.#closed, ...closing]
    this.#closedEnd += closing.reduce((length, block) => length + block.source.length, 0)
    this.#text = text
    this.#blocks = [...this.#closed, ...open.slice(closing.length)]
    return this.#blocks
  }

  /** The complete text, rendered as a whole: what its parts say about each other is right now. */
  finish(given: string): readonly Block[] {
    const text = given.replaceAll(LINE_END, '\n')
    if (this.#closedEnd === 0 && text === this.#text) return this.#blocks
    this.#reset()
    this.#text = text
    this.#blocks = this.#parse(text, 0)
    return this.#blocks
  }

  #reset(): void {
    this.#closed = []
    this.#closedEnd = 0
    this.#text = ''
  }

  #parse(text: string, firstKey: number): Block[] {
    const known = this.#blocks
    return split(parse(text)).map((tokens, index) => {
      const key = firstKey + index
      const source = tokens.map(({ raw }) => raw).join('')
      const before = known[key]
      // What stands in brackets may have become a link by a line that came later.
      if (before?.source === source && !/\[[^\]]+\]/.test(source)) return before
      return { key, source, tokens }
    })
  }
}

/** A group for each block, the blank lines behind it included. */
function split(tokens: readonly MarkedToken[]): MarkedToken[][] {
  const groups: MarkedToken[][] = []
  for (const token of tokens) {
    const last = groups.at(-1)
    if (last && token.type === 'space') last.push(token)
    else groups.push([token])
  }
  return groups
}
