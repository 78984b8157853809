import { describe, expect, it } from 'vitest'
import { promptOnlyWorkflow, type WorkflowDefinition, type WorkflowEdge, type WorkflowNode } from './graph.ts'
import { NODE_TYPES, nodeTypeRows } from './nodes/index.ts'
import { planWorkflow } from './plan.ts'
import { validateWorkflow, type WorkflowIssueCode } from './validate.ts'

const node = (node_name: string, node_type: string, node_config: Record<string, unknown> = {}): WorkflowNode => ({
  node_name,
  node_type,
  node_config,
})
const edge = (from_node: string, to_node: string): WorkflowEdge => ({ from_node, to_node, edge_type: 'normal' })
const way = (
  from_node: string,
  condition_mapping: Record<string, string> | null,
  condition_function?: string,
): WorkflowEdge => ({
  from_node,
  to_node: null,
  edge_type: 'conditional',
  condition_mapping,
  condition_function,
})
const start = node('start', 'start')
const ask = node('ask', 'llm')
const end = node('end', 'end')
const flow = (nodes: WorkflowNode[], edges: WorkflowEdge[]): WorkflowDefinition => ({ version: 1, nodes, edges })
const line = [edge('start', 'ask'), edge('ask', 'end')]
const codes = (definition: unknown) => validateWorkflow(definition).map((issue) => issue.code)

describe('validateWorkflow', () => {
  it('accepts the workflow of a prompt-only agent', () => {
    expect(validateWorkflow(promptOnlyWorkflow())).toEqual([])
  })

  it('accepts a tree with branches', () => {
    const choose = node('choose', 'condition', { cases: [{ when: 'input.text == "a"', value: 'a' }] })
    const tree = flow(
      [start, choose, ask, end, node('end2', 'end')],
      [edge('start', 'choose'), way('choose', { a: 'ask', default: 'end2' }), edge('ask', 'end')],
    )
    expect(validateWorkflow(tree)).toEqual([])
  })

  it.each<[string, unknown, WorkflowIssueCode]>([
    ['what is no workflow', { nodes: 1 }, 'definition-malformed'],
    ['null', null, 'definition-malformed'],
    [
      'an unknown type',
      flow([start, node('x', 'magic'), end], [edge('start', 'x'), edge('x', 'end')]),
      'node-type-unknown',
    ],
    [
      'a setting of the wrong kind',
      flow([start, node('ask', 'llm', { temperature: 'hot' }), end], line),
      'node-config-invalid',
    ],
    ['an unknown setting', flow([start, node('ask', 'llm', { api_key: 'x' }), end], line), 'node-config-invalid'],
    ['two nodes of one name', flow([start, ask, ask, end], line), 'node-name-duplicate'],
    ['no start', flow([ask, end], [edge('ask', 'end')]), 'start-missing'],
    ['two starts', flow([start, node('s2', 'start'), ask, end], line), 'start-many'],
    ['no end', flow([start, ask], [edge('start', 'ask')]), 'end-missing'],
    ['an end that nothing leads to', flow([start, ask, end], [edge('start', 'ask')]), 'end-unreachable'],
    ['an island', flow([start, ask, end, node('far', 'llm')], line), 'node-unreachable'],
    ['an edge from nowhere', flow([start, ask, end], [...line, edge('ghost', 'end')]), 'edge-from-missing'],
    ['an edge to nowhere', flow([start, ask, end], [...line, edge('ask', 'ghost')]), 'edge-to-missing'],
    ['a way into the start', flow([start, ask, end], [...line, edge('ask', 'start')]), 'node-no-way-in'],
    ['a way out of an end', flow([start, ask, end], [...line, edge('end', 'ask')]), 'node-no-way-out'],
    [
      'a mapping without default',
      flow([start, ask, end], [edge('start', 'ask'), way('ask', { a: 'end' }, '"a"')]),
      'mapping-default-missing',
    ],
    ['no mapping', flow([start, ask, end], [edge('start', 'ask'), way('ask', null, '"a"')]), 'mapping-missing'],
    [
      'a conditional edge without a condition',
      flow([start, ask, end], [edge('start', 'ask'), way('ask', { default: 'end' })]),
      'condition-missing',
    ],
    [
      'a condition that is no CEL',
      flow([start, ask, end], [edge('start', 'ask'), way('ask', { default: 'end' }, 'if (x)')]),
      'condition-syntax',
    ],
    [
      'a case that is no CEL',
      flow(
        [start, node('ask', 'condition', { cases: [{ when: '1 +', value: 'a' }] }), end],
        [edge('start', 'ask'), way('ask', { default: 'end' })],
      ),
      'condition-syntax',
    ],
    [
      'a join',
      flow([start, ask, node('b', 'llm'), end], [...line, edge('start', 'b'), edge('b', 'end')]),
      'join-unsupported',
    ],
    [
      'a cycle',
      flow([start, ask, node('b', 'llm'), end], [...line, edge('ask', 'b'), edge('b', 'ask')]),
      'cycle-unsupported',
    ],
    [
      'a template of an unknown node',
      flow([start, node('ask', 'llm', { prompt: '{{ nodes.ghost.output }}' }), end], line),
      'reference-unknown',
    ],
    [
      'a template of a later node',
      flow([start, node('ask', 'llm', { prompt: '{{ nodes.end.output }}' }), end], line),
      'reference-not-before',
    ],
    [
      'a condition on a later node',
      flow([start, ask, end], [edge('start', 'ask'), way('ask', { default: 'end' }, 'nodes.end.output.text')]),
      'reference-not-before',
    ],
  ])('refuses %s', (_, definition, code) => {
    expect(codes(definition)).toContain(code)
  })

  it('says where', () => {
    expect(validateWorkflow(flow([start, ask, end], [...line, edge('ask', 'ghost')]))).toEqual([
      { code: 'edge-to-missing', edge_index: 2, params: { name: 'ghost' } },
    ])
  })
})

describe('planWorkflow', () => {
  it('gives history to the first model only, and the voice to the one before a plain end', () => {
    const { nodes } = planWorkflow(
      flow(
        [start, ask, node('polish', 'llm'), end],
        [edge('start', 'ask'), edge('ask', 'polish'), edge('polish', 'end')],
      ),
    )
    expect([nodes.get('ask'), nodes.get('polish')]).toMatchObject([
      { first_model: true, speaks: false },
      { first_model: false, speaks: true },
    ])
  })
})

describe('nodeTypeRows', () => {
  it('has a row for each type, with defaults that the type itself accepts where it may stand alone', () => {
    const rows = nodeTypeRows()
    expect(rows.map((row) => row.type_name)).toEqual(Object.keys(NODE_TYPES))
    expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length)
  })
})
