import { Check, Errors } from 'typebox/schema'
import { workflowDefinition, type WorkflowDefinition } from '../../shared/workflow/graph.ts'

export type ParsedDefinition =
  | { definition: WorkflowDefinition }
  | { problem: 'json'; detail: string }
  | { problem: 'shape'; detail: string }

/** Whether a stored value has the shape of a workflow; what it means is `validateWorkflow`'s to say. */
export function isDefinition(value: unknown): value is WorkflowDefinition {
  return Check(workflowDefinition, value)
}

/** Reads pasted text. `detail` is the place or reason, not a sentence. */
export function parseDefinition(text: string): ParsedDefinition {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { problem: 'json', detail: error instanceof Error ? error.message : '' }
  }
  if (isDefinition(value)) return { definition: value }
  const [, errors] = Errors(workflowDefinition, value)
  const first = errors[0]
  return { problem: 'shape', detail: first ? `${first.instancePath || '/'} ${first.message}` : '/' }
}
