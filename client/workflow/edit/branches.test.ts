import { expect, it } from 'vitest'
import { promptOnlyWorkflow } from '../../../shared/workflow/graph.ts'
import { validateWorkflow } from '../../../shared/workflow/validate.ts'
import { addBranch, changeWays } from './branches.ts'
import { insertAfter, insertAt } from './insert-step.ts'
import { removeStep } from './remove-step.ts'
import { byCondition, waysOf } from './ways.ts'

const condition = {
  node_name: 'choose',
  node_type: 'condition',
  node_config: { cases: [{ when: 'true', value: 'yes' }] },
}

function forked() {
  const inserted = insertAfter(promptOnlyWorkflow(), 'start', condition)
  return addBranch(changeWays(inserted, 'choose', byCondition(waysOf(inserted, 'choose'))), 'choose')
}

it('adds a case for a value of the condition, with an end of its own, and stays valid', () => {
  const definition = forked()
  expect(waysOf(definition, 'choose').condition?.cases).toEqual([
    { key: 'default', to: 'answer' },
    { key: 'yes', to: 'end_2' },
  ])
  expect(validateWorkflow(definition)).toEqual([])
})

it('takes a step on the new branch', () => {
  const definition = forked()
  const slot = { edge: definition.edges.findIndex((edge) => edge.edge_type === 'conditional'), key: 'yes' }
  const node = { node_name: 'llm', node_type: 'llm', node_config: {} }
  expect(validateWorkflow(insertAt(definition, slot, node))).toEqual([])
})

it('drops the branch with its case', () => {
  const definition = forked()
  const ways = waysOf(definition, 'choose')
  const cases = ways.condition?.cases.filter((each) => each.key !== 'yes') ?? []
  const changed = changeWays(definition, 'choose', { ...ways, condition: { expression: '', cases } })
  expect(changed.nodes.map((node) => node.node_name)).toEqual(['start', 'choose', 'answer', 'end'])
  expect(validateWorkflow(changed)).toEqual([])
})

it('keeps the default way when a condition is removed', () => {
  expect(validateWorkflow(removeStep(forked(), 'choose'))).toEqual([])
})
