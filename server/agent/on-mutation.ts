import type { Row } from '../../shared/kernel/mutator.ts'
import { sameJson } from '../../shared/kernel/same-json.ts'
import { deviceOf } from '../../shared/agent/merge/merge-draft.ts'
import type { HookInput, HookResult, MutationHook, MutationHooks } from '../../sync/server/push/mutation-hook.ts'
import { isRow } from '../../sync/server/push/read-rows.ts'
import { revisionParts, type RevisionOrigin } from './revision.repository.ts'

/** The CTE of a push that has a row when the mutation is new; no effect may happen without it. */
const ACK = 'ack'

/** What the server alone does when drafts are written: keeps a revision, and says in the audit what was merged. */
export function agentHooks(): MutationHooks {
  return {
    'agent.create': { before: keepFirst },
    'draft.update': keepsRevision((input) => input.args['id'], originOfSave),
    'draft.settleConflict': keepsRevision(
      (input) => input.args['draft_id'],
      () => 'settle',
    ),
  }
}

function keepsRevision(
  idOf: (input: HookInput) => unknown,
  origin: (draft: Row, input: HookInput) => RevisionOrigin,
): MutationHook {
  return {
    before: (input) => {
      const before = input.rows.get('agent_drafts', { id: String(idOf(input)) })
      const update = input.writes.find((write) => write.op === 'update' && write.table === 'agent_drafts')
      if (!before || update?.op !== 'update') return {}
      return keepRevision(input, { ...before, ...update.set }, origin(before, input))
    },
  }
}

/** A save that started from what is stored is one; anything else has met another's. */
function originOfSave(draft: Row, { args }: HookInput): RevisionOrigin {
  if (!isRow(args['set'])) return 'save'
  const base = isRow(args['base']) ? args['base'] : {}
  const based = Object.keys(args['set']).every(
    (field) => !Object.hasOwn(base, field) || sameJson(base[field], draft[field]),
  )
  return based ? 'save' : 'merge'
}

function keepRevision(input: HookInput, draft: Row, origin: RevisionOrigin): HookResult {
  const asked = input.writes.filter((write) => write.op === 'insert' && write.table === 'draft_conflicts').length
  const { mutation_id, hlc } = input.ctx
  return {
    parts: revisionParts({ draft, mutation_id, device: deviceOf(hlc), origin }, ACK),
    audit: { object_type: 'agent_draft', object_id: String(draft['id']), params: { origin, conflicts: asked } },
  }
}

function keepFirst({ writes, ctx }: HookInput): HookResult {
  const insert = writes.find((write) => write.op === 'insert' && write.table === 'agent_drafts')
  if (insert?.op !== 'insert') return {}
  const { mutation_id, hlc } = ctx
  return { parts: revisionParts({ draft: insert.row, mutation_id, device: deviceOf(hlc), origin: 'save' }, ACK) }
}
