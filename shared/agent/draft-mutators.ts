import { Type } from 'typebox'
import { byteLength, CAPS } from '../kernel/caps.ts'
import { userError } from '../kernel/errors.ts'
import { derivedId } from '../kernel/id.ts'
import { mutator, type MutationContext, type Row, type Write } from '../kernel/mutator.ts'
import { jsonMark } from '../kernel/same-json.ts'
import { dictionary } from '../kernel/shapes.ts'
import { checkSizes, draftFields } from './draft-fields.ts'
import { DRAFT_SAVE } from './join-saves.ts'
import { draftAt, fieldOf, withDraftAt } from './merge/draft-place.ts'
import { deviceOf, fits, mergeDraft, openConflicts, type MergedDraft } from './merge/merge-draft.ts'
import type { OpenConflict } from './rows.ts'

const id = Type.String({ format: 'uuid' })

/**
 * Saves fields of a draft. What was saved elsewhere since `base` is merged in (merge/merge-draft.ts); what both changed
 * becomes a conflict, and the draft keeps what was there. Version 1 knew no base: there the later clock wins.
 */
export const updateDraft = mutator({
  ...DRAFT_SAVE,
  upcasts: { 1: (args) => ({ ...args, base: {} }) },
  permission: 'agent:write',
  locks: true,
  args: Type.Object({
    id,
    set: draftFields,
    /** The same fields as they were when the person began to change them. */
    base: dictionary(Type.Unknown()),
  }),
  reads: ({ id }) => [{ table: 'agent_drafts', key: { id } }],
  run: ({ id, set, base }, rows, ctx) => {
    const draft = requireDraft(rows.get('agent_drafts', { id }))
    checkSizes(set)
    if (byteLength(JSON.stringify(base)) > CAPS.json) throw userError('row/too-large', { limit: CAPS.json })
    if (set.name !== undefined && set.name.trim() === '') throw userError('row/invalid', { field: 'name' })
    return writesOf(draft, mergeDraft(draft, { set, base, hlc: ctx.hlc }), ctx)
  },
})

/**
 * The person's word on a conflict: the version that lost, the one that is there, or one made of both. It is a save like
 * any other, based on what the person saw, so that what others wrote meanwhile is merged in or asked about.
 */
export const settleConflict = mutator({
  name: 'draft.settleConflict',
  permission: 'agent:write',
  locks: true,
  args: Type.Object({
    id,
    draft_id: id,
    choice: Type.Union([Type.Literal('mine'), Type.Literal('theirs'), Type.Literal('edited')]),
    /** Mark (`jsonMark`) of the version that the person saw as `mine`. */
    seen: Type.String({ maxLength: 16 }),
    /** What the draft said at the place; goes with `value`. */
    over: Type.Optional(Type.Unknown()),
    /** What it shall say now, unless it stays as it is. */
    value: Type.Optional(Type.Unknown()),
  }),
  reads: ({ id, draft_id }) => [
    { table: 'agent_drafts', key: { id: draft_id } },
    { table: 'draft_conflicts', key: { id } },
  ],
  run: ({ id, draft_id, choice, seen, over, value }, rows, ctx) => {
    const draft = requireDraft(rows.get('agent_drafts', { id: draft_id }))
    const conflict = rows.get('draft_conflicts', { id })
    if (!conflict || conflict['draft_id'] !== draft_id) throw userError('row/not-found', { table: 'draft_conflicts' })
    if (conflict['settled_at'] !== null) {
      // Two devices that say the same agree.
      if (conflict['choice'] === 'theirs' && choice === 'theirs') return []
      throw userError('agent/conflict-settled')
    }
    if (jsonMark(conflict['mine'] ?? null) !== seen) throw userError('agent/conflict-moved')
    const path = String(conflict['path'])
    const without = { ...draft, conflicts: openConflicts(draft).filter((entry) => entry.id !== id) }
    const merged = choice === 'theirs' ? keptAsIs() : mergeDraft(without, saveAt(draft, path, { over, value }, ctx))
    const [update, ...writes] = writesOf(without, merged, ctx, { conflicts: without.conflicts })
    const settled = { choice, settled_at: ctx.now, updated_at: ctx.now }
    const end: Write = { op: 'update', table: 'draft_conflicts', key: { id }, set: settled }
    return update ? [update, end, ...writes] : [end]
  },
})

const keptAsIs = (): MergedDraft => ({ set: {}, conflicts: [], continued: new Map(), closed: new Set() })

function requireDraft(draft: Row | undefined): Row {
  if (!draft) throw userError('row/not-found', { table: 'agent_drafts' })
  if (draft['deleted_at'] !== null) throw userError('agent/deleted')
  return draft
}

/** One place of a draft as a save of its field. */
function saveAt(draft: Row, path: string, { over, value }: { over?: unknown; value?: unknown }, ctx: MutationContext) {
  const field = fieldOf(path)
  const current = draft[field]
  const seen = over === undefined ? draftAt(draft, path, value) : over
  const wanted = withDraftAt(current, path, value ?? null)
  if (!Object.hasOwn(draftFields.properties, field) || !fits(field, wanted)) throw userError('row/invalid', { field })
  return { set: { [field]: wanted }, base: { [field]: withDraftAt(current, path, seen) }, hlc: ctx.hlc }
}

/** The draft's row first. `more` is written in any case. */
function writesOf(draft: Row, merged: MergedDraft, ctx: MutationContext, more: Row = {}): Write[] {
  const id = String(draft['id'])
  const { conflicts, continued, closed } = merged
  const device = deviceOf(ctx.hlc)
  const idOf = (path: string) => derivedId(`${ctx.mutation_id}/${path}`)
  const made = conflicts.map(({ path, mark }) => ({ id: idOf(path), path, device, mark }))
  const set: Row = { ...more, ...merged.set }
  if (made.length + continued.size + closed.size > 0) set['conflicts'] = conflictsAfter(draft, merged, made)
  if (Object.keys(set).length === 0) return []
  const revision = typeof draft['revision'] === 'number' ? draft['revision'] + 1 : 1
  const touched = { updated_at: ctx.now }
  const change = (id: string, set: Row): Write => ({
    op: 'update',
    table: 'draft_conflicts',
    key: { id },
    set: { ...set, ...touched },
  })
  return [
    { op: 'update', table: 'agent_drafts', key: { id }, set: { ...set, revision, ...touched } },
    ...[...continued].map(([id, { mine }]) => change(id, { mine, hlc: ctx.hlc })),
    ...[...closed].map((id) => change(id, { choice: 'mine', settled_at: ctx.now })),
    ...conflicts.map(({ path, base, mine, theirs }): Write => {
      const times = { settled_at: null, created_at: ctx.now, ...touched }
      const row = {
        id: idOf(path),
        draft_id: id,
        user_id: ctx.user_id,
        path,
        base,
        mine,
        theirs,
        hlc: ctx.hlc,
        choice: null,
      }
      return { op: 'insert', table: 'draft_conflicts', row: { ...row, ...times } }
    }),
  ]
}

function conflictsAfter(draft: Row, { continued, closed }: MergedDraft, made: readonly OpenConflict[]): OpenConflict[] {
  const kept = openConflicts(draft).filter((entry) => !closed.has(entry.id))
  return [...kept.map((entry) => ({ ...entry, mark: continued.get(entry.id)?.mark ?? entry.mark })), ...made]
}
