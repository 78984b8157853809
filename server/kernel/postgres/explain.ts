import { statfsSync } from 'node:fs'
import path from 'node:path'
import { ConfigurationError, errorCode } from '../configuration-error.ts'

// Less than this and Postgres cannot write a segment of its log (16 MB) and a checkpoint.
const leastFreeBytes = 48 * 1024 * 1024

const unwritable = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOENT', 'ENAMETOOLONG', 'ELOOP'])

/** Turns what the machine lacks into a sentence; anything else passes as it is. */
export function explain(error: unknown, dataDir: string): unknown {
  if (error instanceof ConfigurationError) return error
  const text = error instanceof Error ? error.message : String(error)
  const code = errorCode(error)
  const folder = path.resolve(dataDir)
  // Postgres dies in many ways on a full disk, and does not always say so: we look ourselves.
  if (code === 'ENOSPC' || code === 'EDQUOT' || /No space left on device/i.test(text) || isFull(folder)) {
    return new ConfigurationError(
      `数据目录 ${folder} 所在的磁盘已满：请腾出空间，或用 DATA_DIR 指定另一个磁盘。`,
      `The disk of the data directory ${folder} is full: free some space, or choose another disk with DATA_DIR.`,
      { cause: error },
    )
  }
  if (/^(spawn|initdb failed).*(E[A-Z]+|shared librar)/s.test(text)) {
    return new ConfigurationError(
      `内置的 Postgres 无法在本系统运行（${text.split('|')[0]?.trim()}）：请用 DATABASE_URL 指定一个 Postgres。`,
      `The embedded Postgres does not run on this system (${text.split('|')[0]?.trim()}): set DATABASE_URL to a Postgres of your own.`,
      { cause: error },
    )
  }
  if (code && unwritable.has(code)) {
    return new ConfigurationError(
      `无法写入数据目录 ${folder}（${code}）：请检查权限和所有者，或用 DATA_DIR 指定一个可写的目录。`,
      `The data directory ${folder} cannot be written (${code}): check its owner and rights, or choose a writable folder with DATA_DIR.`,
      { cause: error },
    )
  }
  return error
}

function isFull(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize < leastFreeBytes
  } catch {
    return false
  }
}
