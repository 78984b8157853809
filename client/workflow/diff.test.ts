import { expect, it } from 'vitest'
import { promptOnlyWorkflow } from '../../shared/workflow/graph.ts'
import { insertAfter } from './edit/insert-step.ts'
import { setWays } from './edit/ways.ts'
import { valueChanges, workflowDiff } from './diff.ts'

it('finds nothing between equal workflows, whatever their places on the canvas', () => {
  const moved = promptOnlyWorkflow()
  moved.nodes = moved.nodes.map((node) => ({ ...node, position_config: { x: 1, y: 2 } }))
  expect(workflowDiff(promptOnlyWorkflow(), moved)).toEqual({ nodes: [], edges: [] })
})

it('names added steps and the arrows that changed', () => {
  const node = { node_name: 'check', node_type: 'llm', node_config: { prompt: 'Check.' } }
  const { nodes, edges } = workflowDiff(promptOnlyWorkflow(), insertAfter(promptOnlyWorkflow(), 'answer', node))
  expect(nodes.map(({ name, change }) => [name, change])).toEqual([['check', 'added']])
  expect(edges.map(({ from, to, change }) => `${change} ${from}>${to}`)).toEqual([
    'added check>end',
    'added answer>check',
    'removed answer>end',
  ])
})

it('says which setting of a step changed, and removed steps last', () => {
  const after = promptOnlyWorkflow()
  after.nodes = [
    { node_name: 'start', node_type: 'start', node_config: { a: { b: [1, 2] } } },
    { node_name: 'answer', node_type: 'llm', node_config: {} },
  ]
  const { nodes } = workflowDiff(promptOnlyWorkflow(), after)
  expect(nodes.map(({ name, change }) => [name, change])).toEqual([
    ['start', 'changed'],
    ['end', 'removed'],
  ])
  expect(nodes[0]?.fields.map((field) => field.path)).toEqual(['a.b[0]', 'a.b[1]'])
})

it('tells a changed condition', () => {
  const ways = { always: [], condition: { expression: 'x', cases: [{ key: 'default', to: 'end' }] } }
  const before = setWays(promptOnlyWorkflow(), 'answer', ways)
  const after = setWays(before, 'answer', { ...ways, condition: { ...ways.condition, expression: 'y' } })
  expect(workflowDiff(before, after).edges.map((edge) => edge.detail)).toEqual(['y = default', 'x = default'])
})

it('compares settings value by value', () => {
  expect(valueChanges({ temperature: 0.7, model: 'a' }, { temperature: 1, model: 'a', top_p: 1 })).toEqual([
    { path: 'temperature', before: '0.7', after: '1' },
    { path: 'top_p', before: undefined, after: '1' },
  ])
})
