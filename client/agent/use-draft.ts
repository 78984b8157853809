import { computed, onScopeDispose, shallowRef, toValue, watch, type ComputedRef, type MaybeRefOrGetter } from 'vue'
import type { Static } from 'typebox'
import type { draftFields } from '../../shared/agent/draft-fields.ts'
import { MOST_SAVE_BYTES } from '../../shared/agent/join-saves.ts'
import { updateDraft } from '../../shared/agent/mutators.ts'
import { draftByAgent } from '../../shared/agent/queries.ts'
import type { AgentDraftRow, AgentRow } from '../../shared/agent/rows.ts'
import { byteLength } from '../../shared/kernel/caps.ts'
import { operationalError } from '../../shared/kernel/errors.ts'
import { store, syncStatus, useQuery } from '../app/local.ts'
import { beforeReload } from '../app/pwa.ts'
import { sameJson } from '../../shared/kernel/same-json.ts'
import { draftSaver } from './draft-saver.ts'

/** What a developer edits. */
export const DRAFT_FIELDS = [
  'name',
  'description',
  'category_id',
  'tags',
  'icon',
  'listing',
  'system_prompt',
  'model_params',
  'workflow_definition',
] as const satisfies (keyof Static<typeof draftFields>)[]
export type DraftFields = Pick<AgentDraftRow, (typeof DRAFT_FIELDS)[number]>
export type DraftView = AgentDraftRow & { agent_status: AgentRow['status']; slug: string }
/** `device`: stored here, on its way to the server. */
export type DraftState = 'saving' | 'failed' | 'device' | 'synced'

export interface DraftEditor {
  draft: ComputedRef<DraftView | undefined>
  ready: Readonly<{ value: boolean }>
  state: ComputedRef<DraftState>
  failure: ComputedRef<unknown>
  set: <K extends keyof DraftFields>(field: K, value: DraftFields[K]) => void
  flush: () => Promise<void>
}

const DELAY_MS = 400

/** The draft of an agent, live; edits are shown at once, stored here after a moment, and sent when possible. */
export function useDraft(agent_id: MaybeRefOrGetter<string>): DraftEditor {
  const { rows, ready } = useQuery(draftByAgent, () => ({ agent_id: toValue(agent_id) }))
  const edits = shallowRef<Partial<DraftFields>>({})
  const tick = shallowRef(0)

  const saver = draftSaver<DraftFields>({
    delay: DELAY_MS,
    save: (set, base) => save(rows.value[0]?.id, set, base),
    shown: (field) => draft.value?.[field],
    changed: () => {
      tick.value++
      dropEqual()
    },
  })

  const draft = computed(() => {
    const row = rows.value[0]
    return row && { ...row, ...edits.value }
  })

  /** What is stored is the row's to show; what waits stays on top of it. */
  function dropStored(): void {
    const entries = Object.entries(edits.value).filter(([field]) => [...saver.dirty()].some((dirty) => dirty === field))
    edits.value = Object.fromEntries(entries)
  }
  watch(rows, dropStored)

  /** The row may have arrived before the word that it is stored. */
  function dropEqual(): void {
    const row: Record<string, unknown> = { ...rows.value[0] }
    const differs = ([field, value]: [string, unknown]) =>
      [...saver.dirty()].some((dirty) => dirty === field) || !sameJson(row[field], value)
    const entries = Object.entries(edits.value)
    if (!entries.every(differs)) edits.value = Object.fromEntries(entries.filter(differs))
  }

  const state = computed<DraftState>(() => {
    void tick.value
    const saving = saver.state()
    if (saving !== 'saved') return saving
    return syncStatus.value.pending > 0 || syncStatus.value.state !== 'synced' ? 'device' : 'synced'
  })

  const stop = beforeReload(() => saver.flush())
  const flush = () => void saver.flush()
  addEventListener('pagehide', flush)
  onScopeDispose(() => {
    removeEventListener('pagehide', flush)
    stop()
    flush()
  })

  return {
    draft,
    ready,
    state,
    failure: computed(() => {
      void tick.value
      return saver.failure()
    }),
    set: (field, value) => {
      // First the saver: it notes what the field showed until now.
      saver.set(field, value)
      edits.value = { ...edits.value, [field]: value }
    },
    flush: () => saver.flush(),
  }
}

async function save(id: string | undefined, set: Partial<DraftFields>, base: Partial<DraftFields>): Promise<void> {
  const local = store.value
  if (!local || id === undefined) throw operationalError('server/unavailable')
  // Huge workflows go without: then the later clock wins, and the history has the other.
  const light = byteLength(JSON.stringify([set, base])) < MOST_SAVE_BYTES
  await local.mutate(updateDraft, { id, set, base: light ? base : {} })
}
