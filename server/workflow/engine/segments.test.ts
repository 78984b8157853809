import { describe, expect, it } from 'vitest'
import { planWorkflow } from '../../../shared/workflow/plan.ts'
import { branch, chain, edge, node } from '../testing/definitions.ts'
import { segmentsOf } from './segments.ts'

const names = (definition: Parameters<typeof planWorkflow>[0], durability: 'exit' | 'async') =>
  segmentsOf(planWorkflow(definition), durability)
    .map((segment) => segment.map(({ name }) => name).join(' '))
    .toSorted()

const twoModels = chain(node('in', 'start'), node('a', 'llm'), node('b', 'llm'), node('out', 'end'))

describe('a plan', () => {
  it('runs a chain as one step when nothing is kept on the way', () => {
    expect(names(twoModels, 'exit')).toEqual(['in a b out'])
  })

  it('takes a step after each model that was paid for', () => {
    expect(names(twoModels, 'async')).toEqual(['b', 'in a', 'out'])
  })

  it('takes a step where it branches', () => {
    const nodes = [
      node('in', 'start'),
      node('ask', 'condition'),
      node('yes', 'llm'),
      node('no', 'template'),
      node('fork', 'template'),
      node('left', 'end'),
      node('right', 'end'),
      node('out', 'end'),
    ]
    const edges = [
      edge('in', 'ask'),
      branch('ask', { true: 'yes', default: 'no' }),
      edge('yes', 'out'),
      edge('no', 'fork'),
      edge('fork', 'left'),
      edge('fork', 'right'),
    ]
    expect(names({ version: 1, nodes, edges }, 'exit')).toEqual(['in ask', 'left', 'no fork', 'right', 'yes out'])
  })
})
