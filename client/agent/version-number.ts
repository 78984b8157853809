export type Bump = 'patch' | 'minor' | 'major'
type Parts = [major: number, minor: number, patch: number]

/** The number after the highest of `versions`; `1.0.0` for the first. Texts that are no version are passed over. */
export function nextVersion(versions: readonly string[], bump: Bump): string {
  const highest = highestOf(versions)
  if (!highest) return '1.0.0'
  const [major, minor, patch] = highest
  if (bump === 'major') return `${major + 1}.0.0`
  if (bump === 'minor') return `${major}.${minor + 1}.0`
  return `${major}.${minor}.${patch + 1}`
}

/** Below 0 when `a` is older than `b`; 0 when either is no version. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)]
  return left && right ? compareParts(left, right) : 0
}

/** Whether `text` is a version above all of `versions`. */
export function isAbove(text: string, versions: readonly string[]): boolean {
  return (
    partsOf(text) !== undefined && versions.every((version) => !partsOf(version) || compareVersions(text, version) > 0)
  )
}

function highestOf(versions: readonly string[]): Parts | undefined {
  return versions
    .map(partsOf)
    .filter((parts) => parts !== undefined)
    .sort(compareParts)
    .at(-1)
}

function compareParts(a: Parts, b: Parts): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
}

function partsOf(text: string): Parts | undefined {
  const match = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/.exec(text)
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined
}
