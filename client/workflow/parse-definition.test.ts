import { expect, it } from 'vitest'
import { promptOnlyWorkflow } from '../../shared/workflow/graph.ts'
import { parseDefinition } from './parse-definition.ts'

it('reads back what it wrote', () => {
  expect(parseDefinition(JSON.stringify(promptOnlyWorkflow()))).toEqual({ definition: promptOnlyWorkflow() })
})

it('tells broken JSON from a wrong shape, and where', () => {
  expect(parseDefinition('{')).toMatchObject({ problem: 'json' })
  expect(parseDefinition('{"version":1,"nodes":[{"node_name":"1"}],"edges":[]}')).toMatchObject({
    problem: 'shape',
    detail: expect.stringContaining('/nodes/0'),
  })
})
