export interface Snippet {
  before: string
  hit: string
  after: string
}

/** Markdown as one line of plain words, for a preview: the marks go, what they mark stays. */
export function plain(text: string): string {
  return text
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)?/g, '$1')
    .replaceAll(/^\s*(?:#{1,6}|>|[-+*]|\d+\.|`{3,}\w*|~{3,}\w*)\s*/gm, '')
    .replaceAll(/\*+|`+|~~/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/** The place of `words` in a text, with a little of what stands around it. */
export function snippet(text: string, words: string, around = 24): Snippet {
  const flat = text.replaceAll(/\s+/g, ' ')
  const at = flat.toLowerCase().indexOf(words.toLowerCase())
  if (at < 0) return { before: flat.slice(0, around * 3), hit: '', after: '' }
  const from = Math.max(0, at - around)
  const to = at + words.length
  return {
    before: `${from > 0 ? '…' : ''}${flat.slice(from, at)}`,
    hit: flat.slice(at, to),
    after: flat.slice(to, to + around * 2),
  }
}
