import type { WorkflowDefinition, WorkflowNode } from '../../../shared/workflow/graph.ts'
import { findNode } from '../links.ts'
import { freeName } from './names.ts'
import { pruneLost } from './prune.ts'
import { freeCase, setWays, waysOf, type Ways } from './ways.ts'

/** A new way out of a step, with an end of its own: a case when the step has a condition, else a parallel way. */
export function addBranch(definition: WorkflowDefinition, from: string): WorkflowDefinition {
  const end: WorkflowNode = { node_name: freeName(definition, 'end'), node_type: 'end', node_config: {} }
  const grown = { ...definition, nodes: [...definition.nodes, end] }
  const ways = waysOf(definition, from)
  const { condition } = ways
  if (!condition) return setWays(grown, from, { ...ways, always: [...ways.always, end.node_name] })
  const key = unusedValue(definition, from, ways) ?? freeCase(condition)
  return setWays(grown, from, {
    ...ways,
    condition: { ...condition, cases: [...condition.cases, { key, to: end.node_name }] },
  })
}

/** Changes where a step leads; steps that nothing leads to any more go with their branch. */
export function changeWays(definition: WorkflowDefinition, from: string, ways: Ways): WorkflowDefinition {
  return pruneLost(definition, setWays(definition, from, ways))
}

/** A value that a condition step can have and that leads nowhere of its own yet. */
function unusedValue(definition: WorkflowDefinition, from: string, { condition }: Ways): string | undefined {
  const taken = new Set(condition?.cases.map((each) => each.key))
  return valuesOf(definition, from).find((value) => !taken.has(value))
}

/** The values that a condition step chooses between. */
export function valuesOf(definition: WorkflowDefinition, name: string): string[] {
  const cases = findNode(definition, name)?.node_config['cases']
  if (!Array.isArray(cases)) return []
  return cases.flatMap((each: unknown) =>
    typeof each === 'object' && each !== null && 'value' in each && typeof each.value === 'string' && each.value
      ? [each.value]
      : [],
  )
}
