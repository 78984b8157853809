import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WorkflowDefinition, WorkflowEdge, WorkflowNode } from '../../workflow/graph.ts'
import { newMerge } from './merge3.ts'
import { mergeWorkflow } from './merge-workflow.ts'

const node = (node_name: string, node_config: Record<string, unknown> = {}, more: Partial<WorkflowNode> = {}) => ({
  node_name,
  node_type: node_name === 'start' || node_name === 'end' ? node_name : 'llm',
  node_config,
  ...more,
})
const edge = (from_node: string, to_node: string): WorkflowEdge => ({ from_node, to_node, edge_type: 'normal' })
/** A chain of steps from start to end. */
function chain(...steps: WorkflowNode[]): WorkflowDefinition {
  const nodes = [node('start'), ...steps, node('end')]
  const edges = nodes.slice(1).map((to, index) => edge(nodes[index]?.node_name ?? '', to.node_name))
  return { version: 1, nodes, edges }
}
const base = chain(node('ask', { prompt: 'a\nb\nc' }), node('tell', { prompt: 'x', temperature: 1 }))

function merge(base: unknown, mine: unknown, theirs: unknown, movedLater = true) {
  const merge = newMerge()
  const value = mergeWorkflow(merge, { base, mine, theirs }, () => movedLater)
  return { value, conflicts: merge.conflicts, paths: merge.conflicts.map(({ path }) => path.replace(/^[a-z_]+\//, '')) }
}

describe('a workflow that two devices changed', () => {
  it('gets both changes when they are of different nodes, keys or lines', () => {
    const mine = chain(node('ask', { prompt: 'A\nb\nc' }), node('tell', { prompt: 'x', temperature: 0 }))
    const theirs = chain(node('ask', { prompt: 'a\nb\nC' }), node('tell', { prompt: 'y', temperature: 1 }))
    expect(merge(base, mine, theirs)).toMatchObject({
      conflicts: [],
      value: chain(node('ask', { prompt: 'A\nb\nC' }), node('tell', { prompt: 'y', temperature: 0 })),
    })
  })

  it('keeps theirs and asks when both changed one value', () => {
    const mine = chain(node('ask', { prompt: 'A\nb\nc' }), node('tell', { prompt: 'mine', temperature: 1 }))
    const theirs = chain(node('ask', { prompt: 'a\nb\nc' }), node('tell', { prompt: 'theirs', temperature: 1 }))
    const { value, conflicts } = merge(base, mine, theirs)
    expect(value).toEqual(chain(node('ask', { prompt: 'A\nb\nc' }), node('tell', { prompt: 'theirs', temperature: 1 })))
    expect(conflicts).toEqual([
      expect.objectContaining({
        path: 'workflow_definition/nodes/tell/node_config/prompt',
        base: 'x',
        mine: 'mine',
        theirs: 'theirs',
      }),
    ])
  })

  it('takes in a step that each side put in another place', () => {
    const [ask, tell] = [node('ask', { prompt: 'a\nb\nc' }), node('tell', { prompt: 'x', temperature: 1 })]
    const mine = chain(node('first'), ask, tell)
    const theirs = chain(ask, tell, node('last'))
    const { value, conflicts } = merge(base, mine, theirs)
    expect(conflicts).toEqual([])
    expect(value).toMatchObject({ nodes: chain(node('first'), ask, tell, node('last')).nodes })
    expect(new Set((value as WorkflowDefinition).edges.map((e) => `${e.from_node} ${e.to_node}`))).toEqual(
      new Set(['start first', 'first ask', 'ask tell', 'tell last', 'last end']),
    )
  })

  it('asks when both put a step in one place; both steps are there to be seen', () => {
    const steps = base.nodes.slice(1, -1)
    const { value, paths } = merge(base, chain(node('one'), ...steps), chain(node('other'), ...steps))
    expect(paths).toEqual(['edges/start'])
    expect((value as WorkflowDefinition).nodes.map((each) => each.node_name)).toEqual(
      expect.arrayContaining(['one', 'other']),
    )
  })

  it('asks about two new steps of one name as a whole', () => {
    const steps = base.nodes.slice(1, -1)
    const { paths, conflicts } = merge(
      base,
      chain(node('new', { prompt: 'mine' }), ...steps),
      chain(...steps, node('new', { prompt: 'theirs' })),
    )
    expect(paths).toEqual(['nodes/new'])
    expect(conflicts[0]).toMatchObject({ base: { node: null }, mine: { node: { node_config: { prompt: 'mine' } } } })
  })

  it('asks when one side deleted what the other changed, and keeps the links of what stays', () => {
    const without = chain(node('tell', { prompt: 'x', temperature: 1 }))
    const changed = chain(node('ask', { prompt: 'changed' }), node('tell', { prompt: 'x', temperature: 1 }))
    const deletedHere = merge(base, without, changed)
    expect(deletedHere).toMatchObject({ value: changed, paths: ['nodes/ask'] })
    expect(deletedHere.conflicts[0]).toMatchObject({
      mine: { node: null, ways: { start: { 'to tell': {} }, ask: {} } },
      theirs: { node: { node_config: { prompt: 'changed' } } },
    })
    expect(merge(base, changed, without)).toMatchObject({ value: without, paths: ['nodes/ask'] })
  })

  it('deletes what the other side left alone', () => {
    const without = chain(node('tell', { prompt: 'x', temperature: 1 }))
    const changed = chain(node('ask', { prompt: 'a\nb\nc' }), node('tell', { prompt: 'y', temperature: 1 }))
    expect(merge(base, without, changed)).toMatchObject({
      conflicts: [],
      value: chain(node('tell', { prompt: 'y', temperature: 1 })),
    })
  })

  it('puts a node where it was moved last, without asking', () => {
    const moved = (x: number) => ({
      ...base,
      nodes: base.nodes.map((each) => ({ ...each, position_config: { x, y: 0 } })),
    })
    expect(merge(moved(0), moved(1), moved(2), true)).toMatchObject({ value: moved(1), conflicts: [] })
    expect(merge(moved(0), moved(1), moved(2), false)).toMatchObject({ value: moved(2), conflicts: [] })
  })

  it('lets parallel ways of both sides stand side by side', () => {
    const beside = (name: string): WorkflowDefinition => ({
      ...base,
      nodes: [...base.nodes, node(name)],
      edges: [...base.edges, edge('start', name), edge(name, 'end')],
    })
    const { value, conflicts } = merge(base, beside('p'), beside('q'))
    expect(conflicts).toEqual([])
    const ways = (value as WorkflowDefinition).edges.filter(({ from_node }) => from_node === 'start')
    expect(ways.map(({ to_node }) => to_node)).toEqual(['ask', 'q', 'p'])
  })

  it('asks about the whole when one side has none any more, or no graph', () => {
    expect(merge(base, null, chain(node('ask')))).toMatchObject({
      value: chain(node('ask')),
      conflicts: [{ mine: null }],
    })
    expect(merge(base, { nodes: 'broken' }, chain(node('ask'))).conflicts[0]?.path).toBe('workflow_definition')
  })

  it('asks about the whole when there would be too much to ask', () => {
    const many = (prompt: string) => chain(...Array.from({ length: 30 }, (_, index) => node(`n${index}`, { prompt })))
    expect(merge(many('x'), many('mine'), many('theirs')).conflicts.map(({ path }) => path)).toEqual([
      'workflow_definition',
    ])
  })
})

const names = ['a', 'b', 'c', 'd', 'e'] as const
/** Chains of some of five steps, each with a text of three lines, of which some are a side's own. */
const version = (side: string) =>
  fc
    .tuple(
      fc.shuffledSubarray([...names]),
      fc.dictionary(fc.constantFrom(...names), fc.integer({ min: 0, max: 2 }), { maxKeys: 4 }),
    )
    .map(([steps, lines]) =>
      chain(
        ...steps.map((name) => {
          const text = ['one', 'two', 'three']
          const line = lines[name]
          return node(name, { prompt: (line === undefined ? text : text.with(line, `${side} ${name}`)).join('\n') })
        }),
      ),
    )

describe('any three versions', () => {
  it('nothing changed is no change', () => {
    fc.assert(
      fc.property(version('base'), version('other'), (base, other) => {
        expect(merge(base, base, other)).toMatchObject({ value: other, conflicts: [] })
        expect(merge(base, other, base)).toMatchObject({ value: other, conflicts: [] })
        expect(merge(base, other, other)).toMatchObject({ value: other, conflicts: [] })
      }),
    )
  })

  it('every text of both sides is in the result or in a conflict (I20)', () => {
    fc.assert(
      fc.property(version('base'), version('mine'), version('theirs'), (base, mine, theirs) => {
        const { value, conflicts } = merge(base, mine, theirs)
        const all = JSON.stringify([value, conflicts])
        for (const side of [mine, theirs]) {
          for (const text of JSON.stringify(side).matchAll(/(mine|theirs) [a-e]/g)) expect(all).toContain(text[0])
        }
      }),
      { numRuns: 300 },
    )
  })

  it('edits of different steps come to the same in either order', () => {
    const edits = fc.dictionary(fc.constantFrom(...names), fc.string(), { maxKeys: 5 })
    const whole = chain(...names.map((name) => node(name, { prompt: 'base' })))
    const edited = (set: Record<string, string>, own: readonly string[]): WorkflowDefinition => ({
      ...whole,
      nodes: whole.nodes.map((each) => {
        const prompt = own.includes(each.node_name) ? set[each.node_name] : undefined
        return prompt === undefined ? each : { ...each, node_config: { prompt } }
      }),
    })
    fc.assert(
      fc.property(edits, fc.subarray([...names]), (set, left) => {
        const right = names.filter((name) => !left.includes(name))
        const [mine, theirs] = [edited(set, left), edited(set, right)]
        const expected = { value: edited(set, names), conflicts: [] }
        expect(merge(whole, mine, theirs)).toMatchObject(expected)
        expect(merge(whole, theirs, mine)).toMatchObject(expected)
      }),
    )
  })
})
