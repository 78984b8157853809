import { expect, it } from 'vitest'
import { newMerge } from '../../shared/agent/merge/merge3.ts'
import { mergeWorkflow } from '../../shared/agent/merge/merge-workflow.ts'
import type { WorkflowDefinition, WorkflowNode } from '../../shared/workflow/graph.ts'
import { validateWorkflow } from '../../shared/workflow/validate.ts'
import { keepBoth } from './keep-both.ts'

const step = (node_name: string, template = 'x'): WorkflowNode => ({
  node_name,
  node_type: 'template',
  node_config: { template },
})
function chain(...steps: WorkflowNode[]): WorkflowDefinition {
  const start: WorkflowNode = { node_name: 'start', node_type: 'start', node_config: {} }
  const nodes = [start, ...steps, { node_name: 'end', node_type: 'end', node_config: {} }]
  const edges = nodes.slice(1).map(({ node_name }, index) => {
    return { from_node: nodes[index]?.node_name ?? '', to_node: node_name, edge_type: 'normal' as const }
  })
  return { version: 1, nodes, edges }
}
/** Names in the order in which they run. */
function order({ edges }: WorkflowDefinition): string[] {
  const names = ['start']
  for (let at = 'start'; at !== 'end' && names.length < 9;) {
    at = edges.find(({ from_node }) => from_node === at)?.to_node ?? 'end'
    names.push(at)
  }
  return names
}
function merged(base: WorkflowDefinition, mine: WorkflowDefinition, theirs: WorkflowDefinition) {
  const merge = newMerge()
  const value = mergeWorkflow(merge, { base, mine, theirs }, () => true)
  const [conflict] = merge.conflicts
  if (!conflict || merge.conflicts.length > 1) throw new Error(`${merge.conflicts.length} conflicts`)
  // a merge of two workflows is one
  return { definition: value as WorkflowDefinition, conflict }
}

it('puts steps that both sides added in one place one after the other', () => {
  const { definition, conflict } = merged(
    chain(step('tell')),
    chain(step('one'), step('two'), step('tell')),
    chain(step('other'), step('tell')),
  )
  expect(validateWorkflow(definition)).not.toEqual([])
  const both = keepBoth(definition, conflict)
  expect(both && order(both)).toEqual(['start', 'one', 'two', 'other', 'tell', 'end'])
  expect(both && validateWorkflow(both)).toEqual([])
})

it('gives the second of two new steps of one name another name', () => {
  const { definition, conflict } = merged(
    chain(step('tell')),
    chain(step('tell'), step('new', 'mine')),
    chain(step('new', 'theirs'), step('tell')),
  )
  const both = keepBoth(definition, conflict)
  expect(both && order(both)).toEqual(['start', 'new', 'tell', 'new_2', 'end'])
  expect(both?.nodes.find(({ node_name }) => node_name === 'new_2')?.node_config).toEqual({ template: 'mine' })
  expect(both && validateWorkflow(both)).toEqual([])
})

it('has nothing to offer where both changed what was there', () => {
  const { definition, conflict } = merged(
    chain(step('tell')),
    chain(step('tell', 'mine')),
    chain(step('tell', 'theirs')),
  )
  expect(keepBoth(definition, conflict)).toBeUndefined()
  const deleted = merged(chain(step('tell')), chain(step('tell', 'mine')), chain())
  expect(keepBoth(deleted.definition, deleted.conflict)).toBeUndefined()
})
