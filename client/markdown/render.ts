import { h, type VNodeChild } from 'vue'
import type { MarkedToken, Token, Tokens } from 'marked'
import { t } from '../ui/i18n.ts'
import { CodeBlock } from './code-block.ts'
import { decodeReferences } from './references.ts'

/** Deeper structure is shown as it was written. */
const DEEPEST = 100

/**
 * Tokens as nodes of the page. No HTML is made on the way, so nothing that a model writes can become a tag or an
 * attribute; addresses are the one thing to be checked.
 */
export function render(tokens: readonly Token[], depth = 0): VNodeChild[] {
  if (depth > DEEPEST) return tokens.map((token) => token.raw)
  // Without extensions the lexer makes no tokens but its own.
  return (tokens as readonly MarkedToken[]).map((token) => renderToken(token, depth + 1))
}

/** Tokens that are one element around what they hold. */
const ELEMENTS: Readonly<Partial<Record<MarkedToken['type'], string>>> = {
  paragraph: 'p',
  blockquote: 'blockquote',
  list_item: 'li',
  strong: 'strong',
  em: 'em',
  del: 'del',
  hr: 'hr',
  br: 'br',
}

function renderToken(token: MarkedToken, depth: number): VNodeChild {
  const inside = 'tokens' in token && token.tokens ? render(token.tokens, depth) : undefined
  const element = ELEMENTS[token.type]
  if (element) return h(element, inside)
  switch (token.type) {
    case 'heading':
      return h(`h${token.depth}`, inside)
    case 'list':
      return renderList(token, depth)
    case 'table':
      return renderTable(token, depth)
    case 'code':
      return h(CodeBlock, { code: token.text, language: token.lang?.trim().split(/\s+/)[0] ?? '' })
    case 'link':
      return renderLink(token, inside ?? [])
    case 'image':
      return renderPicture(token)
    default:
      return inside ?? renderText(token)
  }
}

function renderText(token: MarkedToken): VNodeChild {
  switch (token.type) {
    case 'text':
      return decodeReferences(token.text)
    case 'escape':
      return token.text
    case 'codespan':
      return h('code', token.text)
    case 'checkbox':
      return token.checked ? '☑ ' : '☐ '
    case 'html':
      // The one tag that the lexer lets through.
      return h('br')
    default:
      return undefined
  }
}

function renderList({ ordered, start, items }: Tokens.List, depth: number): VNodeChild {
  return h(ordered ? 'ol' : 'ul', ordered && start !== 1 ? { start } : null, render(items, depth))
}

function renderTable({ header, rows }: Tokens.Table, depth: number): VNodeChild {
  const row = (cells: readonly Tokens.TableCell[], tag: 'th' | 'td') =>
    h(
      'tr',
      cells.map(({ align, tokens }) => h(tag, align ? { style: { textAlign: align } } : null, render(tokens, depth))),
    )
  return h('div', { class: 'md-table', tabindex: 0, role: 'region', 'aria-label': t('markdown.table') }, [
    h('table', [
      h('thead', [row(header, 'th')]),
      h(
        'tbody',
        rows.map((cells) => row(cells, 'td')),
      ),
    ]),
  ])
}

function renderLink({ href, title, autolink }: Tokens.Link, inside: VNodeChild[]): VNodeChild {
  return link(autolink ? href : decodeReferences(href), inside, title)
}

/** Answers are written by models: a picture from elsewhere can carry what was said to its address. Only ours and inline ones load. */
function renderPicture({ href, text }: Tokens.Image): VNodeChild {
  const source = decodeReferences(href)
  const alt = decodeReferences(text)
  if (isOwnPicture(source)) return h('img', { src: source, alt, loading: 'lazy' })
  return link(source, [`${t('markdown.picture')} ${alt || source}`])
}

export function isOwnPicture(source: string): boolean {
  if (/^data:image\/(?:png|jpeg|gif|webp);/i.test(source)) return true
  return /^\/(?![/\\])/.test(source)
}

function link(href: string, inside: VNodeChild[], title?: string | null): VNodeChild {
  if (!isFollowable(href)) return inside
  return h(
    'a',
    { href, target: '_blank', rel: 'noopener noreferrer nofollow', title: title ? decodeReferences(title) : undefined },
    inside,
  )
}

/** Read as a browser would read it: what it takes for a script must not pass for a path. */
function isFollowable(href: string): boolean {
  const base = typeof location === 'undefined' ? 'https://here.invalid/' : location.href
  return URL.canParse(href, base) && ['https:', 'http:', 'mailto:', 'tel:'].includes(new URL(href, base).protocol)
}
