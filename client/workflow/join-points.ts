/**
 * Where branches meet again: for each step the closest one that every way from it to an end passes
 * (immediate post-dominator). Steps without one, such as those before two different ends, are missing.
 */
export function joinPoints(
  names: readonly string[],
  next: ReadonlyMap<string, readonly string[]>,
): Map<string, string> {
  const after = postDominators(names, next)
  const joins = new Map<string, string>()
  for (const name of names) {
    let best: string | undefined
    let size = 0
    for (const candidate of after.get(name) ?? []) {
      if (candidate === name) continue
      // Of all steps that are always passed, the closest one has the most steps after it.
      const count = after.get(candidate)?.size ?? 0
      if (count > size) [best, size] = [candidate, count]
    }
    if (best !== undefined) joins.set(name, best)
  }
  return joins
}

function postDominators(
  names: readonly string[],
  next: ReadonlyMap<string, readonly string[]>,
): Map<string, Set<string>> {
  const sets = new Map(names.map((name) => [name, isEnd(name, next) ? new Set([name]) : new Set(names)]))
  const backwards = [...names].reverse()
  for (let changed = true; changed;) {
    changed = false
    for (const name of backwards) {
      if (isEnd(name, next)) continue
      const common = intersection((next.get(name) ?? []).map((target) => sets.get(target) ?? new Set<string>()))
      common.add(name)
      if (common.size !== sets.get(name)?.size) {
        sets.set(name, common)
        changed = true
      }
    }
  }
  return sets
}

function isEnd(name: string, next: ReadonlyMap<string, readonly string[]>): boolean {
  return (next.get(name) ?? []).length === 0
}

function intersection(sets: Set<string>[]): Set<string> {
  const [first, ...others] = sets
  return new Set([...(first ?? [])].filter((item) => others.every((other) => other.has(item))))
}
