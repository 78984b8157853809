import { AppError, operationalError } from '../../shared/kernel/errors.ts'

/** Whether a write failed because this device, or the browser's share of it, is full. */
export function isFull(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  if ('name' in error && error.name === 'QuotaExceededError') return true
  if ('code' in error && error.code === DISK_FULL) return true
  // a transaction that was given up carries the reason
  return 'inner' in error && isFull(error.inner)
}

/** SQLSTATE of a database that cannot grow its files. */
const DISK_FULL = '53100'

/** An error of this device's storage as one that people can be told. */
export function storageError(error: unknown): unknown {
  if (error instanceof AppError || !isFull(error)) return error
  return operationalError('device/full', {}, 'the storage of this device is full')
}
