import { setTimeout as pause } from 'node:timers/promises'
import { AppError, operationalError, toAppError, type ErrorValue } from '../../shared/kernel/errors.ts'
import { newId } from '../../shared/kernel/id.ts'
import { mappingKey, type Condition } from '../../shared/workflow/condition.ts'
import type { PlannedNode } from '../../shared/workflow/plan.ts'
import type { StateView } from '../../shared/workflow/template.ts'
import type { ModelCall, NodeContext, NodeResult, RunSetting } from './executors/executor.ts'

/** A node made ready to run: settings parsed, conditions compiled. */
export interface PreparedNode {
  planned: PlannedNode
  execute: (context: NodeContext) => Promise<NodeResult> | NodeResult
  choices: readonly { condition: Condition | undefined; mapping: Readonly<Record<string, string>> }[]
}

/** A row of `workflow_node_executions`. */
export interface NodeRecord {
  id: string
  node_name: string
  status: 'completed' | 'failed'
  output: unknown
  calls: ModelCall[]
  started_at: string
  completed_at: string
  duration_ms: number
  retry_count: number
  max_retries: number
  error: ErrorValue | undefined
}

export interface NodeFailure {
  node: string
  error: ErrorValue
}

/** What a node leaves behind: its output and where to go, or why it failed. */
export type NodeEnd = { output: unknown; chosen: string[] } | { failure: NodeFailure }

/** What a node may do to its run. */
export interface NodeHost {
  readonly setting: RunSetting
  /** Ends when the run as a whole is stopped. */
  readonly signal: AbortSignal
  nodeStarted(node: PlannedNode): void
  nodeEnded(node: PlannedNode, record: NodeRecord): void
  speak(node: PlannedNode, text: string): void
}

/** The whole run was stopped while a node was at work: no failure of the node, and nothing to go on from. */
export class RunStopped extends Error {}

/**
 * Runs one node with its time-out and retries. A failure is a value: what is thrown into LangGraph costs siblings
 * their successors. Only RunStopped is thrown.
 */
export async function runNode(
  node: PreparedNode,
  host: NodeHost,
  out: Readonly<Record<string, unknown>>,
): Promise<NodeEnd> {
  const { planned } = node
  if (host.signal.aborted) throw new RunStopped()
  const state = viewOf(host.setting, out)
  const started = Date.now()
  const max_retries = planned.retry?.max_retries ?? 0
  host.nodeStarted(planned)
  const wasted: ModelCall[] = []
  const finish = (retry_count: number, result: NodeResult | undefined, error: ErrorValue | undefined): void => {
    const ended = Date.now()
    host.nodeEnded(planned, {
      id: newId(),
      node_name: planned.name,
      status: error ? 'failed' : 'completed',
      output: result?.output,
      calls: [...wasted, ...(result?.calls ?? [])],
      started_at: new Date(started).toISOString(),
      completed_at: new Date(ended).toISOString(),
      duration_ms: ended - started,
      retry_count,
      max_retries,
      error,
    })
  }
  for (let retries = 0; ; retries += 1) {
    const attempt = await tryNode(node, host, state, (call) => wasted.push(call))
    if ('result' in attempt) {
      finish(retries, attempt.result, undefined)
      return { output: attempt.result.output, chosen: attempt.chosen }
    }
    const value = attempt.error.toValue()
    if (host.signal.aborted) {
      finish(retries, undefined, { code: value.code, message: 'stopped' })
      throw new RunStopped()
    }
    if (retries >= max_retries || attempt.spoke || attempt.error.kind !== 'operational') {
      finish(retries, undefined, value)
      return { failure: { node: planned.name, error: value } }
    }
    await pause((planned.retry?.backoff_seconds ?? 1) * 1000 * 2 ** retries, undefined, { signal: host.signal }).catch(
      () => undefined,
    )
  }
}

type Attempt = { result: NodeResult; chosen: string[] } | { error: AppError; spoke: boolean }

async function tryNode(
  node: PreparedNode,
  host: NodeHost,
  state: StateView,
  wasted: (call: ModelCall) => void,
): Promise<Attempt> {
  const { planned } = node
  let spoke = false
  const limit = timeLimit(node, host.signal)
  const speak = (text: string): void => {
    spoke = true
    host.speak(planned, text)
  }
  try {
    const result = await node.execute({ setting: host.setting, state, signal: limit.signal, speak, wasted })
    const chosen = node.choices.map((choice) => choose(planned.name, choice, state, result.output))
    return { result, chosen }
  } catch (error) {
    return { error: limit.timedOut() ?? toAppError(error), spoke }
  } finally {
    limit.clear()
  }
}

/** The target that a conditional edge takes after its source has left `output`. */
function choose(name: string, choice: PreparedNode['choices'][number], before: StateView, output: unknown): string {
  const fallback = choice.mapping['default'] ?? ''
  const key = choice.condition ? evaluate(name, choice.condition, before, output) : mappingKey(valueOf(output))
  return Object.hasOwn(choice.mapping, key) ? (choice.mapping[key] ?? fallback) : fallback
}

function evaluate(name: string, condition: Condition, before: StateView, output: unknown): string {
  const result = condition.evaluate({ input: before.input, nodes: { ...before.nodes, [name]: { output } } })
  // A condition that cannot be decided must not choose a branch in silence.
  if (!result.ok) throw new AppError('user', 'run/node-failed', { node: name, detail: result.message })
  return mappingKey(result.value)
}

function valueOf(output: unknown): unknown {
  return typeof output === 'object' && output !== null && 'value' in output ? output.value : undefined
}

function viewOf(setting: RunSetting, out: Readonly<Record<string, unknown>>): StateView {
  const nodes = Object.fromEntries(Object.entries(out).map(([name, output]) => [name, { output }]))
  return { input: { text: setting.text, history: setting.history }, nodes }
}

interface TimeLimit {
  signal: AbortSignal
  timedOut(): AppError | undefined
  clear(): void
}

/** The run's signal, and the node's own time when it has one. */
function timeLimit({ planned }: PreparedNode, run: AbortSignal): TimeLimit {
  const own = planned.node.node_config['timeout_seconds']
  const seconds = typeof own === 'number' ? own : planned.timeout_seconds
  if (seconds === undefined) return { signal: run, timedOut: () => undefined, clear: () => undefined }
  const controller = new AbortController()
  const late = operationalError('run/timed-out', { node: planned.name, seconds })
  const timer = setTimeout(() => controller.abort(late), seconds * 1000)
  const signal = AbortSignal.any([run, controller.signal])
  return {
    signal,
    timedOut: () => (controller.signal.aborted && !run.aborted ? late : undefined),
    clear: () => clearTimeout(timer),
  }
}
