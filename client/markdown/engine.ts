import MarkdownIt, { type Env } from 'markdown-it'

/** Words that rendered blocks carry. */
export interface MarkdownWords {
  copy: string
  code: string
  table: string
  /** Before the address of a picture that is not loaded. */
  picture: string
}

export interface MarkdownEnv extends Env {
  words: MarkdownWords
}

const noWords: MarkdownWords = { copy: '', code: '', table: '', picture: '' }

function wordsOf(env: Env | undefined): MarkdownWords {
  const words: unknown = env && 'words' in env ? env['words'] : undefined
  return isWords(words) ? words : noWords
}

function isWords(value: unknown): value is MarkdownWords {
  return typeof value === 'object' && value !== null && 'copy' in value
}

const md = new MarkdownIt({ html: false, linkify: true, breaks: true })
const escape = md.utils.escapeHtml
const { renderer } = md

/** Answers are written by models: a picture from elsewhere can carry what was said to its address. Only ours and inline ones load. */
export function isOwnPicture(source: string): boolean {
  if (/^data:image\/(?:png|jpeg|gif|webp);/i.test(source)) return true
  return /^\/(?![/\\])/.test(source)
}

renderer.rules.fence = (tokens, index, _options, env) => {
  const token = tokens[index]
  const language = token?.info.trim().split(/\s+/)[0] ?? ''
  return codeBlock(token?.content ?? '', language, wordsOf(env))
}

renderer.rules.code_block = (tokens, index, _options, env) => codeBlock(tokens[index]?.content ?? '', '', wordsOf(env))

function codeBlock(code: string, language: string, words: MarkdownWords): string {
  const title = escape(language || words.code)
  return (
    `<div class="md-code"><div class="md-code-bar"><span>${title}</span>` +
    `<button type="button" data-copy>${escape(words.copy)}</button></div>` +
    `<pre tabindex="0" role="region" aria-label="${title}"><code>${escape(code)}</code></pre></div>\n`
  )
}

renderer.rules.table_open = (_tokens, _index, _options, env) =>
  `<div class="md-table" tabindex="0" role="region" aria-label="${escape(wordsOf(env).table)}"><table>`
renderer.rules.table_close = () => '</table></div>'

renderer.rules.link_open = (tokens, index, options) => {
  const token = tokens[index]
  token?.attrSet('rel', 'noopener noreferrer nofollow')
  token?.attrSet('target', '_blank')
  return renderer.renderToken(tokens, index, options)
}

renderer.rules.image = (tokens, index, _options, env) => {
  const token = tokens[index]
  const source = String(token?.attrGet('src') ?? '')
  const alt = escape(token?.content ?? '')
  if (isOwnPicture(source)) return `<img src="${escape(source)}" alt="${alt}" loading="lazy">`
  return `<a href="${escape(source)}" rel="noopener noreferrer nofollow" target="_blank">${escape(wordsOf(env).picture)} ${alt || escape(source)}</a>`
}

export const parse = (text: string, env: MarkdownEnv) => md.parse(text, env)
export const renderTokens = (tokens: ReturnType<typeof md.parse>, env: MarkdownEnv) =>
  renderer.render(tokens, md.options, env)
