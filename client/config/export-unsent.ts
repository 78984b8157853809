import type { LocalStore } from '../../sync/client/local-store.ts'
import { saveFile } from '../app/save-file.ts'

/** Everything on this device that the server does not have, as a file: readable, and nothing left out. */
export async function exportUnsent(local: LocalStore): Promise<void> {
  const unsent = await local.outbox.unsent()
  const exported_at = new Date().toISOString()
  const text = JSON.stringify({ format: 'banyan-unsent', version: 1, exported_at, ...unsent }, null, 2)
  saveFile(`banyan-unsent-${exported_at.slice(0, 10)}.json`, 'application/json', `${text}\n`)
}
