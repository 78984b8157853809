import { describe, expect, it } from 'vitest'
import { promptOnlyWorkflow, type WorkflowDefinition, type WorkflowEdge } from '../../../shared/workflow/graph.ts'
import { linksOf } from '../links.ts'
import { insertAfter, insertAt, insertBeside, plainEdge } from './insert-step.ts'
import { canMove, moveStep } from './move-step.ts'
import { freeName, isStepName, renameStep } from './names.ts'
import { removeStep } from './remove-step.ts'
import { byCondition, setWays, waysOf, withoutCondition } from './ways.ts'

const node = (name: string, node_config: Record<string, unknown> = {}) => ({
  node_name: name,
  node_type: name === 'start' || name === 'end' ? name : 'llm',
  node_config,
})
const graph = (names: string, ...edges: WorkflowEdge[]): WorkflowDefinition => ({
  version: 1,
  nodes: names.split(' ').map((name) => node(name)),
  edges,
})
const arrows = (definition: WorkflowDefinition) =>
  linksOf(definition)
    .map((link) => `${link.from}-${link.key ? `${link.key}-` : ''}>${link.to}`)
    .sort()
    .join(' ')
const switching = (from: string, mapping: Record<string, string>): WorkflowEdge => ({
  from_node: from,
  to_node: null,
  edge_type: 'conditional',
  condition_function: 'nodes.answer.output.text == "answer"',
  condition_mapping: mapping,
})

describe('inserting a step', () => {
  it('takes over what the step before led to', () => {
    expect(arrows(insertAfter(promptOnlyWorkflow(), 'answer', node('check')))).toBe(
      'answer->check check->end start->answer',
    )
  })
  it('takes over a condition as well', () => {
    const forked = graph('start a end', switching('start', { yes: 'a', default: 'end' }), plainEdge('a', 'end'))
    expect(arrows(insertAfter(forked, 'start', node('n')))).toBe('a->end n-default->end n-yes->a start->n')
  })
  it('goes on a branch at its head, with the cases that share it', () => {
    const forked = graph(
      'start a end',
      switching('start', { yes: 'a', ok: 'a', default: 'end' }),
      plainEdge('a', 'end'),
    )
    expect(arrows(insertAt(forked, { edge: 0, key: 'yes' }, node('n')))).toBe(
      'a->end n->a start-default->end start-ok->n start-yes->n',
    )
  })
  it('leaves no way on from a step that ends', () => {
    expect(arrows(insertAfter(promptOnlyWorkflow(), 'answer', node('stop'), true))).toBe(
      'answer->end answer->stop start->answer',
    )
  })
  it('adds a way beside the others', () => {
    expect(arrows(insertBeside(promptOnlyWorkflow(), 'start', node('n'), 'end'))).toBe(
      'answer->end n->end start->answer start->n',
    )
  })
})

describe('removing a step', () => {
  it('closes the row', () => {
    expect(arrows(removeStep(promptOnlyWorkflow(), 'answer'))).toBe('start->end')
  })
  it('undoes an insertion', () => {
    const before = promptOnlyWorkflow()
    expect(removeStep(insertAfter(before, 'answer', node('n')), 'n').nodes).toEqual(before.nodes)
    expect(arrows(removeStep(insertAfter(before, 'answer', node('n')), 'n'))).toBe(arrows(before))
  })
  it('goes the default way when it had several, and drops the other branches', () => {
    const forked = graph(
      'start a b end',
      plainEdge('start', 'a'),
      switching('a', { yes: 'b', default: 'end' }),
      plainEdge('b', 'end'),
    )
    expect(arrows(removeStep(forked, 'a'))).toBe('start->end')
  })
  it('keeps parallel ways', () => {
    const forked = graph('start a b c', plainEdge('start', 'a'), plainEdge('a', 'b'), plainEdge('a', 'c'))
    expect(arrows(removeStep(forked, 'a'))).toBe('start->b start->c')
  })
  it('drops cases that lead nowhere', () => {
    const forked = graph('start a end', switching('start', { yes: 'a', default: 'end' }))
    expect(arrows(removeStep(forked, 'a'))).toBe('start-default->end')
  })
})

describe('moving a step', () => {
  const row = graph('start a b end', plainEdge('start', 'a'), plainEdge('a', 'b'), plainEdge('b', 'end'))
  it('changes places in a plain row, in both directions', () => {
    expect(arrows(moveStep(row, 'b', 'up'))).toBe('a->end b->a start->b')
    expect(arrows(moveStep(row, 'a', 'down'))).toBe('a->end b->a start->b')
    expect(moveStep(row, 'b', 'up').nodes.map((each) => each.node_name)).toEqual(['start', 'b', 'a', 'end'])
  })
  it('comes back to where it was', () => {
    expect(arrows(moveStep(moveStep(row, 'b', 'up'), 'b', 'down'))).toBe(arrows(row))
  })
  it('keeps start and end in their places', () => {
    expect(canMove(row, 'a', 'up')).toBe(false)
    expect(canMove(row, 'b', 'down')).toBe(false)
    expect(moveStep(row, 'a', 'up')).toBe(row)
  })
  it('does not move over a fork', () => {
    const forked = graph('start a b c', plainEdge('start', 'a'), plainEdge('a', 'b'), plainEdge('a', 'c'))
    expect(canMove(forked, 'b', 'up')).toBe(false)
  })
})

describe('names', () => {
  it('are free and fit for expressions', () => {
    expect(freeName(promptOnlyWorkflow(), 'answer')).toBe('answer_2')
    expect(freeName(promptOnlyWorkflow(), '提问')).toBe('step')
    expect(isStepName('1a')).toBe(false)
  })
  it('change in edges, conditions and references, not in prose', () => {
    const definition = {
      ...graph(
        'start answer end',
        plainEdge('start', 'answer'),
        switching('answer', { default: 'end', more: 'answer' }),
      ),
    }
    definition.nodes[2] = node('end', {
      text: 'answer: {{ nodes.answer.output }} {{ nodes.answer_2.output }}',
      list: ['nodes["answer"]'],
    })
    const renamed = renameStep(definition, 'answer', 'reply')
    expect(arrows(renamed)).toBe('reply-default->end reply-more->reply start->reply')
    expect(renamed.edges[1]?.condition_function).toBe('nodes.reply.output.text == "answer"')
    expect(renamed.nodes[2]?.node_config).toEqual({
      text: 'answer: {{ nodes.reply.output }} {{ nodes.answer_2.output }}',
      list: ['nodes["reply"]'],
    })
  })
})

describe('ways', () => {
  it('are written back as they were read, with timeouts', () => {
    const definition = graph('start a end', { ...plainEdge('start', 'a'), timeout_seconds: 5 }, plainEdge('a', 'end'))
    expect(setWays(definition, 'start', waysOf(definition, 'start')).edges).toContainEqual({
      ...plainEdge('start', 'a'),
      timeout_seconds: 5,
    })
  })
  it('become cases and plain again', () => {
    const ways = byCondition({ always: ['a', 'b'], condition: undefined })
    expect(ways.condition?.cases).toEqual([
      { key: 'default', to: 'a' },
      { key: 'case_1', to: 'b' },
    ])
    expect(withoutCondition(ways)).toEqual({ always: ['a'], condition: undefined })
  })
})
