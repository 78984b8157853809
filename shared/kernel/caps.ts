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
