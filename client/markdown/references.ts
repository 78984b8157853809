const COMMON: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&nbsp;': '\u00a0',
}

/** Text with character references, such as `&eacute;` and `&#233;`, as the characters that they name. */
export function decodeReferences(text: string): string {
  return text.includes('&') ? text.replace(/&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][a-z\d]{1,31});/gi, decode) : text
}

function decode(reference: string): string {
  const numeric = /^&#(x?)(.+);$/i.exec(reference)
  if (numeric) return character(Number.parseInt(numeric[2] ?? '', numeric[1] ? 16 : 10))
  return COMMON[reference] ?? askBrowser(reference)
}

function character(code: number): string {
  const none = code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)
  return none ? '\ufffd' : String.fromCodePoint(code)
}

/** The browser has the list of two thousand names. A single reference holds no tag, so nothing can come of it but text. */
function askBrowser(reference: string): string {
  if (typeof DOMParser === 'undefined') return reference
  return new DOMParser().parseFromString(reference, 'text/html').body.textContent ?? reference
}
