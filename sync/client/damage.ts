/** SQLSTATEs of a database whose files are not what it wrote: data_corrupted, index_corrupted, undefined_file, io_error. */
const DAMAGED = new Set(['XX001', 'XX002', '58P01', '58030'])

/** Whether an error says that the replica's files, or the program that reads them, are beyond repair. */
export function isDamage(error: unknown): boolean {
  if (error instanceof WebAssembly.RuntimeError) return true
  if (typeof error !== 'object' || error === null) return false
  // the database ended by itself (a PANIC): emscripten says so by this name
  if ('name' in error && error.name === 'ExitStatus') return true
  return 'code' in error && DAMAGED.has(String(error.code))
}
