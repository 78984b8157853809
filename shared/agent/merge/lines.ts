import { diffArrays } from 'diff'

/** Edits between two versions beyond which a merge is not tried: the time of a diff grows with their square. */
const MOST_EDITS = 300

/** A stretch of a three-way merge. */
export type Hunk<T> = { kind: 'agreed'; items: readonly T[] } | { kind: 'conflict'; base: T[]; mine: T[]; theirs: T[] }

/** Items of the base from `start` to `end` became `items`. */
interface Change<T> {
  start: number
  end: number
  items: T[]
}

/**
 * Three versions of a list as stretches that agree and stretches that do not. Changes that touch each other are one:
 * who wrote a line beside another's new line has not seen it. Undefined when the versions differ too much to compare.
 */
export function mergeHunks<T extends string>(
  base: readonly T[],
  mine: readonly T[],
  theirs: readonly T[],
): Hunk<T>[] | undefined {
  const left = changesOf(base, mine)
  const right = left && changesOf(base, theirs)
  if (!left || !right) return undefined
  const hunks: Hunk<T>[] = []
  let at = 0
  while (left.length > 0 || right.length > 0) {
    const [mineThere, theirsThere, start, end] = takeRegion(left, right)
    if (start > at) hunks.push({ kind: 'agreed', items: base.slice(at, start) })
    hunks.push(region(base, { start, end }, mineThere, theirsThere))
    at = end
  }
  if (at < base.length) hunks.push({ kind: 'agreed', items: base.slice(at) })
  return hunks
}

/** Takes the first changes of both sides, and all that touch them in turn. */
function takeRegion<T>(
  left: Change<T>[],
  right: Change<T>[],
): [left: Change<T>[], right: Change<T>[], start: number, end: number] {
  const start = Math.min(left[0]?.start ?? Infinity, right[0]?.start ?? Infinity)
  let end = start
  const taken: [Change<T>[], Change<T>[]] = [[], []]
  for (;;) {
    const from = (left[0]?.start ?? Infinity) <= end ? 0 : 1
    const side = from === 0 ? left : right
    const [change] = side
    if (!change || change.start > end) return [...taken, start, end]
    side.shift()
    taken[from].push(change)
    end = Math.max(end, change.end)
  }
}

function region<T extends string>(
  base: readonly T[],
  { start, end }: { start: number; end: number },
  left: readonly Change<T>[],
  right: readonly Change<T>[],
): Hunk<T> {
  const mine = applied(base, start, end, left)
  const theirs = applied(base, start, end, right)
  if (left.length === 0) return { kind: 'agreed', items: theirs }
  if (right.length === 0) return { kind: 'agreed', items: mine }
  const equal = mine.length === theirs.length && mine.every((item, index) => item === theirs[index])
  return equal ? { kind: 'agreed', items: mine } : { kind: 'conflict', base: base.slice(start, end), mine, theirs }
}

/** The base from `start` to `end` with these changes made. */
function applied<T>(base: readonly T[], start: number, end: number, changes: readonly Change<T>[]): T[] {
  const result: T[] = []
  let at = start
  for (const change of changes) {
    result.push(...base.slice(at, change.start), ...change.items)
    at = change.end
  }
  return [...result, ...base.slice(at, end)]
}

function changesOf<T extends string>(base: readonly T[], other: readonly T[]): Change<T>[] | undefined {
  if (leastEdits(base, other) > MOST_EDITS) return undefined
  const parts = diffArrays([...base], [...other], { maxEditLength: MOST_EDITS })
  if (!parts) return undefined
  const changes: Change<T>[] = []
  let at = 0
  for (const part of parts) {
    if (!part.added && !part.removed) {
      at += part.value.length
      continue
    }
    const last = changes.at(-1)
    const change = last?.end === at ? last : { start: at, end: at, items: [] }
    if (change !== last) changes.push(change)
    if (part.added) change.items.push(...part.value)
    else at += part.value.length
    change.end = at
  }
  return changes
}

/** Items that one version has more often than the other: each is an edit at least. */
function leastEdits<T>(base: readonly T[], other: readonly T[]): number {
  const counts = new Map<T, number>()
  for (const item of base) counts.set(item, (counts.get(item) ?? 0) + 1)
  for (const item of other) counts.set(item, (counts.get(item) ?? 0) - 1)
  return [...counts.values()].reduce((sum, count) => sum + Math.abs(count), 0)
}

/** The list that both sides wrote together; undefined when they changed the same place. */
export function mergeItems<T extends string>(
  base: readonly T[],
  mine: readonly T[],
  theirs: readonly T[],
): T[] | undefined {
  const hunks = mergeHunks(base, mine, theirs)
  if (!hunks) return undefined
  const items: T[] = []
  for (const hunk of hunks) {
    if (hunk.kind === 'conflict') return undefined
    items.push(...hunk.items)
  }
  return items
}

/** As `mergeItems`, for the lines of a text. */
export function mergeLines(base: string, mine: string, theirs: string): string | undefined {
  return mergeItems(base.split('\n'), mine.split('\n'), theirs.split('\n'))?.join('\n')
}

/** A text to start from when people settle: what agrees is merged, and where it does not, both versions stand. */
export function joinLines(base: string, mine: string, theirs: string): string {
  const hunks = mergeHunks(base.split('\n'), mine.split('\n'), theirs.split('\n'))
  if (!hunks) return `${theirs}\n${mine}`
  return hunks.flatMap((hunk) => (hunk.kind === 'agreed' ? hunk.items : [...hunk.theirs, ...hunk.mine])).join('\n')
}
