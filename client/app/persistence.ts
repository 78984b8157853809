/** Whether the browser has promised to keep this site's data. */
export async function isPersistent(): Promise<boolean> {
  return (await navigator.storage?.persisted?.().catch(() => false)) ?? false
}

/**
 * Asks the browser to keep this site's data. Some ask the person, so this is called when there is something to lose:
 * after installing, at the first change made offline, or from the settings.
 */
export async function askForPersistence(): Promise<boolean> {
  if (await isPersistent()) return true
  return (await navigator.storage?.persist?.().catch(() => false)) ?? false
}

/** Bytes that this site holds in this browser, and may hold; undefined when it does not tell. */
export async function storageUse(): Promise<{ used: number; quota: number } | undefined> {
  const estimate = await navigator.storage?.estimate?.().catch(() => undefined)
  if (estimate?.usage === undefined || estimate.quota === undefined) return undefined
  return { used: estimate.usage, quota: estimate.quota }
}
