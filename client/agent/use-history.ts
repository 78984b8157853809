import { toValue, type MaybeRefOrGetter } from 'vue'
import { getRevision, listRevisions, type RevisionEntry } from '../../shared/agent/api.ts'
import { AppError } from '../../shared/kernel/errors.ts'
import { sameJson } from '../../shared/kernel/same-json.ts'
import { call } from '../app/call.ts'
import { useOnline } from './use-online.ts'
import { DRAFT_FIELDS, type DraftEditor, type DraftFields, type DraftView } from './use-draft.ts'

/** The revisions of a draft; the server keeps them. Asked for again when the draft has another. */
export function useHistory(draft: MaybeRefOrGetter<DraftView>) {
  const key = () => `${toValue(draft).agent_id}/${toValue(draft).revision}`
  return useOnline((signal) => load(toValue(draft).agent_id, signal), { key, linger: true, fresh: 20_000 })
}

/** An agent that has not reached the server yet has no history. */
async function load(agent_id: string, signal: AbortSignal): Promise<{ revisions: RevisionEntry[] }> {
  try {
    return await call(listRevisions, { params: { agent_id }, signal })
  } catch (error) {
    if (error instanceof AppError && error.code === 'agent/not-found') return { revisions: [] }
    throw error
  }
}

/** The fields in which a revision differs from the draft, as the revision has them. */
export async function differencesOf(draft: DraftView, revision: number): Promise<Partial<DraftFields>> {
  const params = { agent_id: draft.agent_id, revision: String(revision) }
  const { content } = await call(getRevision, { params })
  const different = DRAFT_FIELDS.filter(
    (field) => content[field] !== undefined && !sameJson(content[field], draft[field]),
  )
  return Object.fromEntries(different.map((field) => [field, content[field]]))
}

/** Edits the draft back, as a person would by hand: merged, kept and undone like any other edit. */
export function restore(set: DraftEditor['set'], fields: Partial<DraftFields>): void {
  for (const field of DRAFT_FIELDS) put(set, field, fields[field])
}

function put<K extends keyof DraftFields>(set: DraftEditor['set'], field: K, value: DraftFields[K] | undefined): void {
  if (value !== undefined) set(field, value)
}
