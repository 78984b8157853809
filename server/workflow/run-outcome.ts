import { CAPS, cutToBytes } from '../../shared/kernel/caps.ts'
import type { ErrorValue } from '../../shared/kernel/errors.ts'
import { textOf } from '../../shared/workflow/template.ts'
import type { ActiveRun } from './active-run.ts'
import type { CompiledWorkflow, GraphEnd } from './engine/index.ts'
import { sumOrNull } from './node-record.repository.ts'
import type { RunEndStatus, RunError, RunOutcome, RunTarget } from './ports.ts'
import { storable, storableText } from './storable.ts'

/** The answer of a finished graph: the texts of its ends, in the order of the definition. */
function answerOf({ plan }: CompiledWorkflow, end: GraphEnd): string {
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

/** What a finished graph answers, as far as a message can hold it. */
export function completed(workflow: CompiledWorkflow, end: GraphEnd): Conclusion {
  const whole = answerOf(workflow, end)
  const text = cutToBytes(whole, CAPS.message)
  const cut = text !== whole || Object.values(end.out).some(isCut)
  return { status: 'completed', text, cut: cut ? 'size' : undefined, total_nodes: workflow.plan.nodes.size }
}

/** A node that says so had more to say than a message holds. */
function isCut(output: unknown): boolean {
  return typeof output === 'object' && output !== null && 'cut' in output && output.cut === true
}

/** How an attempt came to the run's end. */
export interface Conclusion {
  status: RunEndStatus
  text: string
  cut?: 'size' | undefined
  error?: RunError | undefined
  total_nodes: number
}

/** How the run ends, with what its answer message will say about it. */
export function outcomeOf(run: ActiveRun, target: RunTarget, conclusion: Conclusion): RunOutcome {
  const { status, text, error } = conclusion
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
      cut: conclusion.cut ?? (last?.finish_reason === 'length' ? 'length' : undefined),
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
