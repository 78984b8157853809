import { jsonMark, sameJson, sortedJson } from '../../kernel/same-json.ts'
import { mergeItems, mergeLines } from './lines.ts'
import { isTree, pathText, type Tree } from './tree.ts'

/** A place that both sides changed, each in its own way. What is absent on a side is null. */
export interface Conflict {
  path: string
  base: unknown
  mine: unknown
  theirs: unknown
  /** By what the next save of that side is known: it starts where `mine` ends. */
  mark: string
}

/**
 * One three-way merge under way. Where both sides changed the same place, theirs stays and a conflict says so; a side
 * that lost once goes on in its own conflict, not against the text that it has never seen.
 */
export interface Merge {
  readonly conflicts: Conflict[]
  /** Open conflicts whose side has gone on, with its newest version. */
  readonly continued: Map<string, { mine: unknown; mark: string }>
  /** Open conflicts that came to nothing: both sides are the same again. */
  readonly closed: Set<string>
  /** The open conflict at a place in which this side stood at `base`. */
  readonly openAt: (path: string, base: unknown) => string | undefined
  /** How many texts and lists may still be compared: whoever sends more is asked about the rest. */
  comparisons: number
}

const MOST_COMPARISONS = 10

export function newMerge(openAt: Merge['openAt'] = () => undefined): Merge {
  return { conflicts: [], continued: new Map(), closed: new Set(), openAt, comparisons: MOST_COMPARISONS }
}

/** Takes up what a trial came to. */
export function adopt(merge: Merge, trial: Merge): void {
  merge.conflicts.push(...trial.conflicts)
  for (const [id, value] of trial.continued) merge.continued.set(id, value)
  for (const id of trial.closed) merge.closed.add(id)
}

/** Keyed three-way merge of the JSON at a place; undefined is absent. */
export function merge3(merge: Merge, names: readonly string[], base: unknown, mine: unknown, theirs: unknown): unknown {
  const path = pathText(names)
  const decided = decide(merge, path, base, mine, theirs)
  if (decided) return decided.value
  if (isTree(mine) && isTree(theirs) && (base === undefined || isTree(base)))
    return mergeTrees(merge, names, base ?? {}, mine, theirs)
  const whole = merge.comparisons-- > 0 ? mergeSequences(base, mine, theirs) : undefined
  return whole === undefined ? conflict(merge, path, base, mine, theirs) : whole
}

/** What needs no merge: one side changed nothing, both made the same change, or this side is in conflict already. */
export function decide(
  merge: Merge,
  path: string,
  base: unknown,
  mine: unknown,
  theirs: unknown,
): { value: unknown } | undefined {
  if (sameJson(base, mine)) return { value: theirs }
  const settled = sameJson(mine, theirs) || sameJson(base, theirs)
  const open = merge.openAt(path, base)
  if (open !== undefined) {
    if (!settled) merge.continued.set(open, { mine: mine ?? null, mark: jsonMark(mine) })
    else merge.closed.add(open)
    return { value: settled ? mine : theirs }
  }
  return settled ? { value: mine } : undefined
}

export function conflict(merge: Merge, path: string, base: unknown, mine: unknown, theirs: unknown): unknown {
  const mark = jsonMark(mine)
  merge.conflicts.push({ path, base: base ?? null, mine: mine ?? null, theirs: theirs ?? null, mark })
  return theirs
}

/** Key by key; keys keep the order of theirs, new ones of mine follow. */
export function mergeTrees(merge: Merge, names: readonly string[], base: Tree, mine: Tree, theirs: Tree): Tree {
  const keys = new Set([...Object.keys(theirs), ...Object.keys(mine)])
  const entries = [...keys].map((key): [string, unknown] => [
    key,
    merge3(merge, [...names, key], own(base, key), own(mine, key), own(theirs, key)),
  ])
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

export function own(tree: Tree, key: string): unknown {
  return Object.hasOwn(tree, key) ? tree[key] : undefined
}

/** Texts by line and lists by item; undefined when that is not possible. */
function mergeSequences(base: unknown, mine: unknown, theirs: unknown): unknown {
  if (typeof mine === 'string' && typeof theirs === 'string' && typeof base === 'string')
    return mergeLines(base, mine, theirs)
  if (!Array.isArray(mine) || !Array.isArray(theirs) || !Array.isArray(base)) return undefined
  const items = mergeItems(base.map(sortedJson), mine.map(sortedJson), theirs.map(sortedJson))
  return items?.map((item): unknown => JSON.parse(item))
}

/** Unordered items without repeats: what either side added is in, what either took out is not. Never a conflict. */
export function mergeSets(base: readonly string[], mine: readonly string[], theirs: readonly string[]): string[] {
  const kept = theirs.filter((item) => mine.includes(item) || !base.includes(item))
  return [...kept, ...mine.filter((item) => !base.includes(item) && !kept.includes(item))]
}
