/**
 * Where the choice stands when a list has changed under it. A person's own choice stays with its entry, so that Enter
 * runs what they saw; the first entry was nobody's choice, and whatever comes first takes its place.
 */
export function keepChoice(at: number, before: readonly { id: string }[], now: readonly { id: string }[]): number {
  if (at === 0) return 0
  const chosen = now.findIndex(({ id }) => id === before[at]?.id)
  return Math.max(0, chosen)
}
