import { Value } from 'typebox/value'
import { byteLength, CAPS } from '../../kernel/caps.ts'
import { jsonMark, sameJson } from '../../kernel/same-json.ts'
import type { Row } from '../../kernel/mutator.ts'
import { draftFields } from '../draft-fields.ts'
import type { OpenConflict } from '../rows.ts'
import { adopt, conflict, decide, merge3, mergeSets, newMerge, type Conflict, type Merge } from './merge3.ts'
import { mergeWorkflow, movedNodes, WORKFLOW } from './merge-workflow.ts'

/** A save: fields as their author wants them, and as they were when the author began. */
export interface DraftSave {
  set: Row
  /** A field that is missing here was saved by a client that did not say: then the later clock wins. */
  base: Row
  hlc: string
}

export interface MergedDraft {
  /** Fields that change, and the clocks. */
  set: Row
  conflicts: Conflict[]
  continued: Merge['continued']
  closed: Merge['closed']
}

/** Mark of conflicts of a client that does not say what its saves start from. */
export const UNKNOWN_BASE = 'clock'

/** The node part of a clock: which device a save comes from. */
export function deviceOf(hlc: string): string {
  return hlc.split('-').slice(2).join('-')
}

/** Merges a save into the draft that is stored. Pure: replica and server come to the same. */
export function mergeDraft(draft: Row, save: DraftSave): MergedDraft {
  const device = deviceOf(save.hlc)
  const open = openConflicts(draft).filter((entry) => entry.device === device)
  const find = (path: string, mark: string) => open.find((entry) => entry.path === path && entry.mark === mark)?.id
  const merge = newMerge((path, base) => find(path, jsonMark(base)))
  const clocks = new Map(Object.entries(Object(draft['field_clock'])))
  const set: Row = {}
  for (const [field, mine] of Object.entries(save.set)) {
    if (mine === undefined) continue
    const theirs = draft[field]
    const based = Object.hasOwn(save.base, field)
    const merged = based
      ? mergeField(merge, field, { base: save.base[field], mine, theirs }, save.hlc, clocks)
      : byClock(merge, field, { mine, theirs, newer: !isLater(clocks.get(field), save.hlc) }, find(field, UNKNOWN_BASE))
    if (!sameJson(merged, theirs)) {
      set[field] = merged
      tick(clocks, field, save.hlc)
    } else if (sameJson(merged, mine)) tick(clocks, field, save.hlc)
  }
  if (!sameJson(Object.fromEntries(clocks), draft['field_clock'])) set['field_clock'] = Object.fromEntries(clocks)
  return { set, conflicts: merge.conflicts, continued: merge.continued, closed: merge.closed }
}

export function openConflicts(draft: Row): OpenConflict[] {
  const list = draft['conflicts']
  // the column's schema says so; null is a row of before it existed
  return Array.isArray(list) ? (list as OpenConflict[]) : []
}

function isLater(clock: unknown, hlc: string): boolean {
  return typeof clock === 'string' && clock > hlc
}

function tick(clocks: Map<string, unknown>, name: string, hlc: string): void {
  if (!isLater(clocks.get(name), hlc)) clocks.set(name, hlc)
}

interface FieldVersions {
  base: unknown
  mine: unknown
  theirs: unknown
}

function mergeField(
  merge: Merge,
  field: string,
  versions: FieldVersions,
  hlc: string,
  clocks: Map<string, unknown>,
): unknown {
  const { base, mine, theirs } = versions
  const trial = newMerge(merge.openAt)
  const merged = mergeKind(trial, field, versions, (node) => !isLater(clocks.get(positionClock(node)), hlc))
  // Two versions may each be within the limits, and what they come to together not.
  const accepted = sameJson(merged, mine) || sameJson(merged, theirs) || fits(field, merged)
  if (!accepted) return conflict(merge, field, base, mine, theirs)
  adopt(merge, trial)
  if (field === WORKFLOW) for (const node of movedNodes(base, mine)) tick(clocks, positionClock(node), hlc)
  return merged
}

const positionClock = (node: string) => `position:${node}`

function mergeKind(
  merge: Merge,
  field: string,
  { base, mine, theirs }: FieldVersions,
  movedLater: (node: string) => boolean,
): unknown {
  if (field === WORKFLOW) return mergeWorkflow(merge, { base, mine, theirs }, movedLater)
  if (field !== 'tags') return merge3(merge, [field], base ?? undefined, mine ?? undefined, theirs ?? undefined) ?? null
  const decided = decide(merge, field, base, mine, theirs)
  return decided ? decided.value : mergeSets(texts(base), texts(mine), texts(theirs))
}

const texts = (value: unknown) => (Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [])

/** A save without a base: whoever wrote later has the field, and what loses is kept to be asked about. */
function byClock(
  merge: Merge,
  field: string,
  { mine, theirs, newer }: { mine: unknown; theirs: unknown; newer: boolean },
  open: string | undefined,
): unknown {
  if (newer || sameJson(mine, theirs)) {
    if (open !== undefined) merge.closed.add(open)
    return mine
  }
  if (open !== undefined) merge.continued.set(open, { mine, mark: UNKNOWN_BASE })
  else merge.conflicts.push({ path: field, base: null, mine, theirs: theirs ?? null, mark: UNKNOWN_BASE })
  return theirs
}

/** Whether a field may be stored. */
export function fits(field: string, value: unknown): boolean {
  const size = field === 'system_prompt' ? CAPS.prompt : CAPS.json
  if (byteLength(typeof value === 'string' ? value : JSON.stringify(value)) > size) return false
  const blank = field === 'name' && (typeof value !== 'string' || value.trim() === '')
  return !blank && Value.Check(draftFields, { [field]: value })
}
