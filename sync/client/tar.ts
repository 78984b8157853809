const BLOCK = 512

export interface TarEntry {
  /** Without a leading slash, at most 100 bytes. */
  path: string
  /** Absent: a directory. */
  bytes?: Uint8Array<ArrayBuffer> | undefined
}

/** An archive in the ustar format (POSIX.1-1988): a block of names and numbers before each file, files filled up to whole blocks. */
export function tarOf(entries: readonly TarEntry[]): Blob {
  const parts = entries.flatMap(({ path, bytes = new Uint8Array() }, index) => [
    headerOf(path, entries[index]?.bytes ? bytes.length : undefined),
    bytes,
    new Uint8Array((BLOCK - (bytes.length % BLOCK)) % BLOCK),
  ])
  return new Blob([...parts, new Uint8Array(2 * BLOCK)], { type: 'application/x-tar' })
}

/** `size` absent: a directory. */
function headerOf(path: string, size: number | undefined): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK)
  const put = (text: string, at: number) => block.set(new TextEncoder().encode(text), at)
  const octal = (value: number, width: number) => value.toString(8).padStart(width, '0')
  if (new TextEncoder().encode(path).length > 100) throw new RangeError(`too long for a tar: ${path}`)
  put(path, 0)
  put(octal(size === undefined ? 0o700 : 0o600, 7), 100)
  put(octal(0, 7), 108)
  put(octal(0, 7), 116)
  put(octal(size ?? 0, 11), 124)
  put(octal(0, 11), 136)
  put(size === undefined ? '5' : '0', 156)
  put('ustar\u000000', 257)
  // the sum is of the block with spaces in its own place
  put('        ', 148)
  const sum = block.reduce((total, byte) => total + byte, 0)
  put(`${octal(sum, 6)}\u0000 `, 148)
  return block
}
