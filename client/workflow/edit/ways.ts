import type { WorkflowDefinition, WorkflowEdge } from '../../../shared/workflow/graph.ts'
import { DEFAULT_CASE } from '../links.ts'
import { plainEdge } from './insert-step.ts'

/** Where a step leads: always, and by a condition. */
export interface Ways {
  always: string[]
  condition: Condition | undefined
}

export interface Condition {
  expression: string
  cases: { key: string; to: string }[]
}

export function waysOf(definition: WorkflowDefinition, name: string): Ways {
  const own = definition.edges.filter((edge) => edge.from_node === name)
  const conditional = own.find((edge) => edge.edge_type === 'conditional')
  return {
    always: own.flatMap((edge) => (edge.edge_type === 'conditional' || edge.to_node === null ? [] : [edge.to_node])),
    condition: conditional && {
      expression: conditional.condition_function ?? '',
      cases: Object.entries(conditional.condition_mapping ?? {}).map(([key, to]) => ({ key, to })),
    },
  }
}

/** Writes where a step leads, and keeps what its edges say beside (timeouts, retries, order). */
export function setWays(definition: WorkflowDefinition, name: string, ways: Ways): WorkflowDefinition {
  const own = definition.edges.filter((edge) => edge.from_node === name)
  const others = definition.edges.filter((edge) => edge.from_node !== name)
  const plain = [...new Set(ways.always)].map(
    (to) => own.find((edge) => edge.edge_type !== 'conditional' && edge.to_node === to) ?? plainEdge(name, to),
  )
  const conditional = ways.condition ? [conditionalEdge(own, name, ways.condition)] : []
  return { ...definition, edges: [...others, ...plain, ...conditional] }
}

function conditionalEdge(own: WorkflowEdge[], name: string, condition: Condition): WorkflowEdge {
  const before = own.find((edge) => edge.edge_type === 'conditional')
  return {
    ...before,
    from_node: name,
    to_node: null,
    edge_type: 'conditional',
    condition_function: condition.expression,
    condition_mapping: Object.fromEntries(condition.cases.map(({ key, to }) => [key, to])),
  }
}

/** Turns the plain ways into cases: the first one becomes the default. */
export function byCondition(ways: Ways): Ways {
  if (ways.condition) return ways
  const cases = ways.always.map((to, index) => ({ key: index === 0 ? DEFAULT_CASE : `case_${index}`, to }))
  return { always: [], condition: { expression: '', cases } }
}

/** Drops the condition; the step goes the default way. */
export function withoutCondition(ways: Ways): Ways {
  const fallback = ways.condition?.cases.find((each) => each.key === DEFAULT_CASE) ?? ways.condition?.cases[0]
  return { always: ways.always.length > 0 || !fallback ? ways.always : [fallback.to], condition: undefined }
}

/** A case name that is not taken. */
export function freeCase(condition: Condition): string {
  for (let number = condition.cases.length; ; number++) {
    const key = `case_${number}`
    if (!condition.cases.some((each) => each.key === key)) return key
  }
}
