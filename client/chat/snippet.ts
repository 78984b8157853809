export interface Snippet {
  before: string
  hit: string
  after: string
}

/** Markdown as one line of plain words, for a preview: the marks go, what they mark stays. */
export function plain(text: string): string {
  return text
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)?/g, '$1')
    .replaceAll(/^\s*\|[-:|\s]*$/gm, '')
    .replaceAll(/^\s*\|.*/gm, (row) => row.replaceAll('|', ' '))
    .replaceAll(/^\s*(?:#{1,6}|>|[-+*]|\d+\.|`{3,}\w*|~{3,}\w*)\s*/gm, '')
    .replaceAll(/\*+|`+|~~/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/** The place of `words` in a text, with a little of what stands around it; among the marks only if it is nowhere else. */
export function snippet(text: string, words: string, around = 24): Snippet {
  const sought = words.toLowerCase()
  const has = (line: string) => line.toLowerCase().includes(sought)
  const [line = plain(text)] = [plain(text), text.replaceAll(/\s+/g, ' ')].filter(has)
  const at = line.toLowerCase().indexOf(sought)
  if (at < 0) return { before: line.slice(0, around * 3), hit: '', after: '' }
  const from = Math.max(0, at - around)
  const to = at + words.length
  return {
    before: `${from > 0 ? '…' : ''}${line.slice(from, at)}`,
    hit: line.slice(at, to),
    after: line.slice(to, to + around * 2),
  }
}
