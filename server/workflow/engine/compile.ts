import { Annotation, END, START, StateGraph, type BaseCheckpointSaver } from '@langchain/langgraph'
import { AppError, userError } from '../../../shared/kernel/errors.ts'
import { compileCondition } from '../../../shared/workflow/condition.ts'
import { workflowDefinition, type WorkflowDefinition } from '../../../shared/workflow/graph.ts'
import { planWorkflow, type PlannedNode, type WorkflowPlan } from '../../../shared/workflow/plan.ts'
import { validateWorkflow } from '../../../shared/workflow/validate.ts'
import { Value } from 'typebox/value'
import { EXECUTORS } from '../executors/index.ts'
import { runNode, type NodeFailure, type PreparedNode } from '../run-node.ts'
import { scopeIn, type Durability } from './scope.ts'
import { lastOf, segmentsOf } from './segments.ts'

/** The state of a run between nodes. Plain JSON: what checkpoints hold. The chat's history is not part of it. */
const RunState = Annotation.Root({
  out: Annotation<Record<string, unknown>>({ reducer: (all, more) => ({ ...all, ...more }), default: () => ({}) }),
  chosen: Annotation<Record<string, string[]>>({ reducer: (all, more) => ({ ...all, ...more }), default: () => ({}) }),
  failure: Annotation<NodeFailure | null>({ reducer: (first, later) => first ?? later, default: () => null }),
})
type State = typeof RunState.State

/** Nodes of ours in LangGraph's names: a person's node may be called like a channel or `__start__`. */
const step = (name: string) => `step.${name}`

/** A definition compiled once per version: its plan and its LangGraph graph. */
export interface CompiledWorkflow {
  plan: WorkflowPlan
  graph: ReturnType<typeof buildGraph>
  durability: Durability
}

/** Compiles a definition as stored. Throws `workflow/invalid` with the first issue. */
export function compileWorkflow(definition: unknown, saver: BaseCheckpointSaver): CompiledWorkflow {
  const [issue] = validateWorkflow(definition)
  if (issue) throw userError('workflow/invalid', { issue: issue.code, node: issue.node_name })
  if (!isDefinition(definition)) throw userError('workflow/invalid', { issue: 'definition-malformed' })
  const plan = planWorkflow(definition)
  const models = [...plan.nodes.values()].filter((node) => node.type === 'llm').length
  // One model call is redone as a whole when a worker dies; several are paid for one by one.
  const durability = models > 1 ? 'async' : 'exit'
  return { plan, graph: buildGraph(plan, durability, saver), durability }
}

function isDefinition(value: unknown): value is WorkflowDefinition {
  return Value.Check(workflowDefinition, value)
}

/**
 * Direct edges suffice for chains and trees: every node has one way in, so readiness needs no scheduler. A failed node
 * leaves its failure in the state; later nodes see it and do nothing. A step is called after its segment's first node.
 */
function buildGraph(plan: WorkflowPlan, durability: Durability, checkpointer: BaseCheckpointSaver) {
  const segments = segmentsOf(plan, durability)
  const actions = segments.map((segment): [string, Action] => [step(segment[0].name), action(segment.map(prepare))])
  const graph = new StateGraph(RunState).addNode(actions)
  graph.addEdge(START, step(plan.start))
  for (const segment of segments) {
    const here = step(segment[0].name)
    const last = lastOf(segment)
    for (const target of last.next) graph.addEdge(here, step(target))
    if (last.choices.length > 0)
      graph.addConditionalEdges(here, (state) => targets(state, last.name), mappedSteps(last))
    else if (last.next.length === 0) graph.addEdge(here, END)
  }
  return graph.compile({ checkpointer })
}

function targets(state: State, name: string): string[] {
  const chosen = state.failure ? [] : (state.chosen[name] ?? [])
  return chosen.length > 0 ? chosen.map(step) : [END]
}

function mappedSteps(node: PlannedNode): string[] {
  return [...new Set(node.choices.flatMap((choice) => Object.values(choice.mapping).map(step))), END]
}

type Action = (state: State, config: { configurable?: Record<string, unknown> }) => Promise<Partial<State>>

function action(segment: readonly PreparedNode[]): Action {
  return async (state, config) => {
    const scope = scopeIn(config.configurable)
    if (!scope) throw new AppError('bug', 'server/bug', {}, 'a node ran outside a run')
    if (state.failure) return {}
    const out: Record<string, unknown> = {}
    const chosen: Record<string, string[]> = {}
    for (const node of segment) {
      const { name } = node.planned
      const end = await runNode(node, scope, { ...state.out, ...out })
      if ('failure' in end) return { out, failure: end.failure }
      out[name] = end.output
      if (end.chosen.length > 0) chosen[name] = end.chosen
    }
    return { out, chosen }
  }
}

function prepare(planned: PlannedNode): PreparedNode {
  return {
    planned,
    execute: EXECUTORS[planned.type].prepare(planned),
    choices: planned.choices.map(({ condition, mapping }) => {
      if (condition === null) return { condition: undefined, mapping }
      const compiled = compileCondition(condition)
      if ('issue' in compiled) throw userError('workflow/invalid', { issue: compiled.issue.code, node: planned.name })
      return { condition: compiled.condition, mapping }
    }),
  }
}
