/** Characters of a title; a Chinese one counts as two of a Latin one. */
const WIDTH = 48

/** Title of a new chat: the first words of its first message, cut between words where there are any. */
export function titleOf(message: string): string {
  const line = message
    .trim()
    .replaceAll(/^[#>]+\s/gmu, ' ')
    .replaceAll(/[*_`~\s]+/gu, ' ')
    .trim()
  let width = 0
  let end = 0
  for (const character of line) {
    width += /[\u1100-\uffdc\p{Extended_Pictographic}]/u.test(character) ? 2 : 1
    if (width > WIDTH) return `${cutAtWord(line.slice(0, end))}…`
    end += character.length
  }
  return line
}

function cutAtWord(text: string): string {
  const space = text.lastIndexOf(' ')
  return (space > text.length / 2 ? text.slice(0, space) : text).replace(/[\s,.;:，。；：、]+$/u, '')
}
