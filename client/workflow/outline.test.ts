import { describe, expect, it } from 'vitest'
import { promptOnlyWorkflow, type WorkflowDefinition, type WorkflowEdge } from '../../shared/workflow/graph.ts'
import { outlineOf, type OutlineBranch, type OutlineStep } from './outline.ts'

function graph(names: string, edges: WorkflowEdge[]): WorkflowDefinition {
  const nodes = names.split(' ').map((name) => ({
    node_name: name,
    node_type: name === 's' ? 'start' : 'llm',
    node_config: {},
  }))
  return { version: 1, nodes, edges }
}
const plain = (from: string, to: string): WorkflowEdge => ({ from_node: from, to_node: to, edge_type: 'normal' })
const cases = (from: string, mapping: Record<string, string>): WorkflowEdge => ({
  from_node: from,
  to_node: null,
  edge_type: 'conditional',
  condition_function: 'x',
  condition_mapping: mapping,
})

/** `a[yes: b -> | default: c] d` */
function draw(steps: OutlineStep[]): string {
  return steps.map((step) => `${step.name}${drawBranches(step.branches)}${drawJump(step)}`).join(' ')
}
function drawBranches(branches: OutlineBranch[]): string {
  if (branches.length === 0) return ''
  return `[${branches.map((branch) => `${branch.cases.join('/') || '='}:${draw(branch.steps)}${drawJump(branch)}`).join(' | ')}]`
}
function drawJump({ jump }: { jump?: { to: string; back: boolean } | undefined }): string {
  return jump ? (jump.back ? `^${jump.to}` : `>${jump.to}`) : ''
}
const drawn = (definition: WorkflowDefinition) => draw(outlineOf(definition).steps)

describe('outline', () => {
  it('shows a chain as a flat list', () => {
    expect(drawn(promptOnlyWorkflow())).toBe('start answer end')
  })

  it('goes on at the level of the fork where parallel branches meet', () => {
    const edges = [plain('s', 'a'), plain('s', 'b'), plain('a', 'j'), plain('b', 'j'), plain('j', 'e')]
    expect(drawn(graph('s a b j e', edges))).toBe('s[=:a | =:b] j e')
    expect(outlineOf(graph('s a b j e', edges)).steps[1]?.parents).toBe(2)
  })

  it('names the cases of a condition, the ones with the same target together', () => {
    const edges = [cases('s', { yes: 'a', sure: 'a', default: 'e' }), plain('a', 'e')]
    expect(drawn(graph('s a e', edges))).toBe('s[yes/sure:a | default:>e] e')
  })

  it('keeps branches that never meet apart', () => {
    const edges = [cases('s', { yes: 'a', default: 'b' }), plain('a', 'x'), plain('b', 'y')]
    expect(drawn(graph('s a b x y', edges))).toBe('s[yes:a x | default:b y]')
  })

  it('shows a loop as a way back', () => {
    const edges = [plain('s', 'a'), plain('a', 'q'), cases('q', { again: 'a', default: 'e' })]
    expect(drawn(graph('s a q e', edges))).toBe('s a q[again:^a | default:>e] e')
  })

  it('says where a branch goes when it leaves an outer fork', () => {
    const edges = [
      cases('s', { yes: 'a', default: 'b' }),
      cases('a', { skip: 'j', out: 'k', default: 'c' }),
      plain('c', 'j'),
      plain('j', 'k'),
      plain('b', 'k'),
      plain('k', 'e'),
    ]
    expect(drawn(graph('s a b c j k e', edges))).toBe('s[yes:a[skip:j | out:>k | default:c>j] | default:b] k e')
  })

  it('lists chains that nothing leads to, cycles too', () => {
    const outline = outlineOf(
      graph('s e a b c d', [plain('s', 'e'), plain('a', 'b'), plain('c', 'd'), plain('d', 'c')]),
    )
    expect(draw(outline.steps)).toBe('s e')
    expect(outline.loose.map(draw)).toEqual(['a b', 'c d^c'])
  })

  it('shows every step once, whatever the graph', () => {
    const names = ['s', ...Array.from({ length: 30 }, (_, index) => `n${index}`)]
    const edges = names.flatMap((from, index) =>
      [1, 7, 13].map((factor) => plain(from, names[(index * factor + 5) % names.length] ?? 's')),
    )
    const outline = outlineOf(graph(names.join(' '), edges))
    const shown = [...outline.steps, ...outline.loose.flat()].flatMap(all).sort()
    expect(shown).toEqual([...names].sort())
  })
})

function all(step: OutlineStep): string[] {
  return [step.name, ...step.branches.flatMap((branch) => branch.steps.flatMap(all))]
}
