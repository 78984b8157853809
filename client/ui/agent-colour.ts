const colours = [
  '#2c6e4f',
  '#8a5a1c',
  '#2d5f9a',
  '#7a3f74',
  '#45605a',
  '#87502f',
  '#4c5a94',
  '#8c3f4d',
  '#556b2f',
  '#5d5148',
]

/** A steady colour for a thing without a picture; white text on each is at least 5:1. */
export function colourOf(seed: string): string {
  let hash = 7
  for (const character of seed) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return colours[hash % colours.length] ?? '#2c6e4f'
}

/** What stands in the square: the icon when it is one (an emoji or a sign), else the name's first letter. */
export function signOf(icon: string | null | undefined, name: string): string {
  const own = icon?.trim()
  if (own && [...own].length <= 4 && !/^[a-z-]+$/.test(own)) return own
  const first = name.trim().match(/[\p{L}\p{N}\p{Extended_Pictographic}]/u)?.[0]
  return (first ?? '榕').toUpperCase()
}
