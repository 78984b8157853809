/** Size limits in UTF-8 bytes. Beyond them the answer is 413 with a code. */
export const CAPS = {
  message: 256 * 1024,
  prompt: 64 * 1024,
  json: 1024 * 1024,
  push: 2 * 1024 * 1024,
  /** Mutations in one push. */
  mutations: 50,
} as const

const encoder = new TextEncoder()

/** UTF-8 length of `text`, in bytes. */
export function byteLength(text: string): number {
  return encoder.encode(text).byteLength
}

/** As much of the beginning of `text` as fits into `most` bytes of UTF-8, without half a character at its end. */
export function cutToBytes(text: string, most: number): string {
  // A UTF-16 unit is at most three bytes.
  if (text.length * 3 <= most) return text
  // encodeInto writes whole characters only.
  const { read } = encoder.encodeInto(text, new Uint8Array(most))
  return text.slice(0, read)
}
