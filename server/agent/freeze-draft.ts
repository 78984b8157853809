import { createHash } from 'node:crypto'
import type { AgentDraftRow, Manifest } from '../../shared/agent/rows.ts'
import { promptOnlyWorkflow, workflowDefinition, type WorkflowDefinition } from '../../shared/workflow/graph.ts'
import { issueOf } from '../kernel/validate.ts'
import { userError } from '../../shared/kernel/errors.ts'
import { sortedJson } from '../../shared/kernel/same-json.ts'
import { validateWorkflow } from '../../shared/workflow/validate.ts'

/** A draft as it would run: resolved, hashed, ready to become a row of `agent_versions`. */
export interface FrozenDraft {
  workflow_definition: WorkflowDefinition
  system_prompt: string
  model_params_override: Record<string, unknown>
  service_dependencies: Record<string, unknown>
  manifest: Manifest
  content_hash: string
}

type Freezable = Pick<
  AgentDraftRow,
  | 'name'
  | 'description'
  | 'category_id'
  | 'tags'
  | 'icon'
  | 'listing'
  | 'system_prompt'
  | 'model_params'
  | 'workflow_definition'
>

/** Resolves a draft. An unfinished workflow is refused with its first fault. */
export function freezeDraft(draft: Freezable): FrozenDraft {
  const definition = draft.workflow_definition ?? promptOnlyWorkflow()
  requireRunnable(definition)
  const steps = definition.nodes.map((node) => node.node_type)
  const permissions = [...new Set(steps.filter((type) => type === 'llm'))]
  const frozen = {
    workflow_definition: definition,
    system_prompt: draft.system_prompt,
    model_params_override: draft.model_params,
    service_dependencies: Object.fromEntries(
      definition.nodes.filter((node) => node.node_type === 'llm').map((node) => [node.node_name, { llm_service: 1 }]),
    ),
    manifest: {
      name: draft.name,
      description: draft.description,
      ...(draft.icon === null ? {} : { icon: draft.icon }),
      category_id: draft.category_id,
      tags: draft.tags,
      listing: draft.listing,
      permissions,
      steps,
    },
  }
  return { ...frozen, content_hash: createHash('sha256').update(sortedJson(frozen)).digest('hex') }
}

function requireRunnable(definition: unknown): asserts definition is WorkflowDefinition {
  const [issue] = validateWorkflow(definition)
  if (issue) throw userError('workflow/invalid', { issue: issue.code, node: issue.node_name ?? null })
  const shape = issueOf(workflowDefinition, definition)
  if (shape) throw userError('workflow/invalid', { issue: 'shape', path: shape.path })
}

/** The id of a draft's snapshot: made of agent and content, so that equal drafts share one row whoever comes first. */
export function snapshotId(agent_id: string, content_hash: string): string {
  const digest = createHash('sha256').update(`${agent_id}/${content_hash}`).digest('hex')
  // RFC 9562 version 8 (custom), variant 10.
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-a${digest.slice(17, 20)}-${digest.slice(20, 32)}`
}
