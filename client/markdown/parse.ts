import { Lexer, Tokenizer, type MarkedToken, type Token, type Tokens } from 'marked'

/** A paragraph that is longer has no markup: finding emphasis takes time by the square of the length. Characters. */
const LONGEST_INLINE = 8000

const LINE_BREAK = /^<br\s*\/?>/i
const ADDRESS = /^(?:https?:\/\/|www\.)/i
/** Chinese punctuation follows an address without a space, and is no part of it. */
const AFTER_ADDRESS = /[\s<\u3001-\u3011\u3014-\u301b\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f“”‘’…]/

/** GitHub's Markdown without HTML: a tag is text, but for the line break, which tables need. */
class PlainTokenizer extends Tokenizer {
  override html(): undefined {
    return undefined
  }

  override tag(source: string): Tokens.Tag | undefined {
    const [raw] = LINE_BREAK.exec(source) ?? []
    if (raw === undefined) return undefined
    return { type: 'html', raw, text: raw, inLink: false, inRawBlock: false, block: false }
  }

  override url(source: string): Tokens.Link | undefined {
    if (!ADDRESS.test(source)) return super.url(source)
    const end = source.search(AFTER_ADDRESS)
    return super.url(end < 0 ? source : source.slice(0, end))
  }
}

class PlainLexer extends Lexer {
  override inlineTokens(source: string, tokens: Token[] = []): Token[] {
    if (source.length <= LONGEST_INLINE) return super.inlineTokens(source, tokens)
    tokens.push({ type: 'escape', raw: source, text: source })
    return tokens
  }
}

/** The top-level tokens of a text; their `raw` parts, joined, are the text. Line ends must be `\n`. */
export function parse(text: string): MarkedToken[] {
  try {
    const lexer = new PlainLexer({ gfm: true, breaks: true, tokenizer: new PlainTokenizer() })
    // Without extensions the lexer makes no tokens but its own.
    return lexer.lex(text) as MarkedToken[]
  } catch {
    // Nested deeper than the stack: nobody wrote that to be read.
    return [{ type: 'code', raw: text, text }]
  }
}
