import { mkdirSync, statSync } from 'node:fs'
import path from 'node:path'

/** As mkdir -p. Node's own never returns where the system answers ENOENT in an existing folder, as in /proc. */
export function makeFolders(folder: string, mode: number): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return
  if (folder !== path.dirname(folder)) makeFolders(path.dirname(folder), mode)
  mkdirSync(folder, { mode })
}
