const HAN = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/u

/**
 * Terms of `text` for a `tsvector` with the `simple` dictionary: words in lower case, and for Chinese, Japanese and
 * Korean the single characters and the overlapping pairs, since Postgres has no tokenizer for them.
 */
export function searchTerms(text: string): string[] {
  const terms = new Set<string>()
  for (const word of text
    .normalize('NFKC')
    .toLowerCase()
    .matchAll(/[\p{L}\p{N}]+/gu)) {
    for (const run of splitByScript(word[0])) {
      if (!HAN.test(run)) {
        terms.add(run)
        continue
      }
      const characters = [...run]
      characters.forEach((character, index) => {
        terms.add(character)
        const next = characters[index + 1]
        if (next !== undefined) terms.add(character + next)
      })
    }
  }
  return [...terms]
}

/**
 * The terms a query must match: for Chinese the pairs (a lone character stands for itself), for words a prefix.
 */
export function queryTerms(text: string): { term: string; prefix: boolean }[] {
  const terms = new Map<string, boolean>()
  for (const word of text
    .normalize('NFKC')
    .toLowerCase()
    .matchAll(/[\p{L}\p{N}]+/gu)) {
    for (const run of splitByScript(word[0])) {
      if (!HAN.test(run)) {
        terms.set(run, true)
        continue
      }
      const characters = [...run]
      if (characters.length === 1) terms.set(run, false)
      for (let index = 0; index + 1 < characters.length; index++) {
        terms.set(`${characters[index]}${characters[index + 1]}`, false)
      }
    }
  }
  return [...terms].map(([term, prefix]) => ({ term, prefix }))
}

function splitByScript(word: string): string[] {
  const runs: string[] = []
  let current = ''
  let wasHan: boolean | undefined
  for (const character of word) {
    const isHan = HAN.test(character)
    if (wasHan !== undefined && isHan !== wasHan) {
      runs.push(current)
      current = ''
    }
    current += character
    wasHan = isHan
  }
  if (current) runs.push(current)
  return runs
}
