import type { ErrorValue } from '../../shared/kernel/errors.ts'
import { textOf } from '../../shared/workflow/template.ts'
import type { ActiveRun } from './active-run.ts'
import type { CompiledWorkflow, GraphEnd } from './engine/index.ts'
import { sumOrNull } from './node-record.repository.ts'
import type { RunEndStatus, RunError, RunOutcome, RunTarget } from './ports.ts'
import { storable, storableText } from './storable.ts'

/** The answer of a finished graph: the texts of its ends, in the order of the definition. */
export function answerOf({ plan }: CompiledWorkflow, end: GraphEnd): string {
  return [...plan.nodes.values()]
    .filter((node) => node.type === 'end' && Object.hasOwn(end.out, node.name))
    .map((node) => textOf(end.out[isPassedOn(end.out[node.name]) ? (node.parent ?? node.name) : node.name]))
    .filter((text) => text !== '')
    .join('\n\n')
}

/** An `end` without a template refers to the node before it. */
function isPassedOn(output: unknown): boolean {
  return typeof output === 'object' && output !== null && 'from' in output
}

/** How the run ends, with what its answer message will say about it. */
export function outcomeOf(
  run: ActiveRun,
  target: RunTarget,
  status: RunEndStatus,
  text: string,
  error?: RunError,
): RunOutcome {
  const calls = run.records.flatMap((record) => record.calls)
  const last = calls.at(-1)
  const cost = calls.length > 0 ? sumOrNull(calls.map((call) => call.cost)) : null
  return {
    execution_id: target.execution_id,
    chat_id: target.chat_id,
    user_id: target.user_id,
    answer_message_id: target.answer_message_id,
    status,
    text: storableText(text),
    metadata: storable({
      error,
      model: last?.model,
      demo: calls.some((call) => call.demo) || (run.demo && text !== '') || undefined,
      tokens_prompt: calls.length > 0 ? calls.reduce((sum, call) => sum + call.usage.prompt, 0) : undefined,
      tokens_completion: calls.length > 0 ? calls.reduce((sum, call) => sum + call.usage.completion, 0) : undefined,
      cost: cost ?? undefined,
      duration_ms: run.worked_ms,
    }),
  }
}

/** What people learn of a failure: its code and params, never a message that may quote somebody's text. */
export function runError(error: ErrorValue): RunError {
  return { code: error.code, ...(error.params ? { params: error.params } : {}) }
}
