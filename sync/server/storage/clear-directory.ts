import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'

/** Deletes what is in a folder, and not the folder: it may be a mount. */
export async function clearDirectory(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => [])
  for (const name of names) await rm(path.join(directory, name), { recursive: true, force: true })
}
