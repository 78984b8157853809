import type { WorkflowDefinition, WorkflowNode } from '../../shared/workflow/graph.ts'
import { joinPoints } from './join-points.ts'
import { DEFAULT_CASE, ERROR_CASE, linksOf, type Link, type Slot } from './links.ts'

/**
 * A workflow as an indented list: steps in order, branches under the step where they part, and what comes after
 * the branches meet again back at that step's own level.
 */
export interface Outline {
  steps: OutlineStep[]
  /** Chains that nothing leads to. */
  loose: OutlineStep[][]
}

export interface OutlineStep {
  name: string
  node: WorkflowNode
  branches: OutlineBranch[]
  /** The step it goes on with, when that is not the next line. */
  jump?: Jump | undefined
  /** How many steps lead to it: more than one makes it a meeting point. */
  parents: number
}

export interface OutlineBranch {
  kind: 'case' | 'default' | 'error' | 'parallel'
  /** Cases that share this target; empty for parallel branches. */
  cases: string[]
  slot: Slot
  steps: OutlineStep[]
  /** Where an empty branch leads. */
  jump?: Jump | undefined
}

export interface Jump {
  to: string
  /** Back to an earlier step: a loop. */
  back: boolean
}

export function outlineOf(definition: WorkflowDefinition): Outline {
  const builder = new OutlineBuilder(definition)
  const start = definition.nodes.find((node) => node.node_type === 'start') ?? definition.nodes[0]
  const steps = start ? builder.chain(start.node_name, new Set()) : []
  return { steps, loose: builder.loose() }
}

class OutlineBuilder {
  private readonly nodes: Map<string, WorkflowNode>
  private readonly order: string[]
  private readonly links = new Map<string, Link[]>()
  private readonly parents = new Map<string, Set<string>>()
  private readonly joins: Map<string, string>
  private readonly seen = new Set<string>()
  /** Steps above the current one: a jump to one of them goes back. */
  private readonly path = new Set<string>()

  constructor(definition: WorkflowDefinition) {
    this.nodes = new Map(definition.nodes.map((node) => [node.node_name, node]))
    this.order = [...this.nodes.keys()]
    for (const link of linksOf(definition)) {
      this.links.set(link.from, [...(this.links.get(link.from) ?? []), link])
      this.parents.set(link.to, (this.parents.get(link.to) ?? new Set()).add(link.from))
    }
    this.joins = joinPoints(this.order, new Map(this.order.map((name) => [name, this.targets(name)])))
  }

  /** Steps from `first` until an end, one of `stops`, or a step already shown. */
  chain(first: string, stops: ReadonlySet<string>): OutlineStep[] {
    const steps: OutlineStep[] = []
    const own: string[] = []
    for (let name: string | undefined = first; name !== undefined;) {
      const step = this.step(name)
      if (!step) break
      steps.push(step)
      own.push(name)
      name = this.follow(step, stops)
    }
    for (const name of own) this.path.delete(name)
    return steps
  }

  loose(): OutlineStep[][] {
    const chains: OutlineStep[][] = []
    const roots = this.order.filter((name) => (this.parents.get(name)?.size ?? 0) === 0)
    for (const name of [...roots, ...this.order]) {
      if (!this.seen.has(name)) chains.push(this.chain(name, new Set()))
    }
    return chains
  }

  private step(name: string): OutlineStep | undefined {
    const node = this.nodes.get(name)
    if (!node || this.seen.has(name)) return undefined
    this.seen.add(name)
    this.path.add(name)
    return { name, node, branches: [], parents: this.parents.get(name)?.size ?? 0 }
  }

  /** Fills in what `step` leads to; returns the step to show on the next line. */
  private follow(step: OutlineStep, stops: ReadonlySet<string>): string | undefined {
    const targets = this.targets(step.name)
    const links = this.links.get(step.name) ?? []
    const [only] = targets
    if (only === undefined) return undefined
    const plain = targets.length === 1 && links.every((link) => link.key === null)
    if (plain) return this.goOn(step, only, stops)

    const join = targets.length === 1 ? only : this.joins.get(step.name)
    const inner = join === undefined ? stops : new Set([...stops, join])
    targets.sort((a, b) => Number(isDefault(links, a)) - Number(isDefault(links, b)))
    step.branches = targets.map((target) => this.branch(links, target, inner, join))
    if (join === undefined) return undefined
    return this.goOn(step, join, stops)
  }

  private goOn(step: OutlineStep, to: string, stops: ReadonlySet<string>): string | undefined {
    if (!this.seen.has(to) && !stops.has(to)) return to
    if (this.seen.has(to) || !isClosest(stops, to)) step.jump = this.jump(to)
    return undefined
  }

  private branch(links: Link[], target: string, stops: ReadonlySet<string>, join: string | undefined): OutlineBranch {
    const own = links.filter((link) => link.to === target)
    const cases = own.flatMap((link) => (link.key === null ? [] : [link.key]))
    const { edge, key } = own[0] ?? { edge: 0, key: null }
    const empty = target === join || stops.has(target) || this.seen.has(target)
    const steps = empty ? [] : this.chain(target, stops)
    return { kind: kindOf(cases), cases, slot: { edge, key }, steps, jump: empty ? this.jump(target) : undefined }
  }

  private jump(to: string): Jump {
    return { to, back: this.path.has(to) }
  }

  private targets(name: string): string[] {
    return [...new Set((this.links.get(name) ?? []).map((link) => link.to))]
  }
}

/** The stop added last is the join of the innermost fork: reaching it needs no words. */
function isClosest(stops: ReadonlySet<string>, name: string): boolean {
  return [...stops].at(-1) === name
}

/** The way for everything else stands last, whatever order the mapping came in. */
function isDefault(links: readonly Link[], target: string): boolean {
  return links.some((link) => link.to === target && link.key === DEFAULT_CASE)
}

function kindOf(cases: string[]): OutlineBranch['kind'] {
  if (cases.length === 0) return 'parallel'
  if (cases.includes(DEFAULT_CASE)) return 'default'
  return cases.every((key) => key === ERROR_CASE) ? 'error' : 'case'
}
