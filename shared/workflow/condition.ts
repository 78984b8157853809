import { celEnv, isCelError, parse, plan, type CelInput } from '@bufbuild/cel'
import type { StateView } from './template.ts'

/**
 * Conditions are CEL (https://cel.dev) over `input` and `nodes`; never JavaScript. CEL always ends but may be
 * polynomial, so three bounds hold: length, depth of nested comprehensions, and steps against the lists at hand.
 */
export const CONDITION_LIMITS = { characters: 2048, comprehension_depth: 2, steps: 200_000 } as const

export type ConditionIssue =
  | { code: 'condition-syntax'; message: string }
  | { code: 'condition-too-complex'; message: string }

/** The value as text, or why there is none. */
export type ConditionResult = { ok: true; value: unknown } | { ok: false; message: string }

export interface Condition {
  evaluate(state: StateView): ConditionResult
  /** Names of the nodes that it reads by a literal name. */
  readonly reads: readonly string[]
}

const env = celEnv()

/** Parses and plans `source` once. Runs in browsers too, without `eval`. */
export function compileCondition(source: string): { condition: Condition } | { issue: ConditionIssue } {
  if (source.length > CONDITION_LIMITS.characters)
    return tooComplex(`longer than ${CONDITION_LIMITS.characters} characters`)
  try {
    const parsed = parse(source)
    const shape = shapeOf(parsed.expr)
    if (shape.depth > CONDITION_LIMITS.comprehension_depth) return tooComplex('comprehensions nested too deeply')
    const evaluate = plan(env, parsed)
    return {
      condition: {
        reads: [...shape.reads],
        evaluate: (state) => {
          const steps = shape.size * Math.max(1, shape.depth > 0 ? longestList(state) : 1) ** shape.depth
          if (steps > CONDITION_LIMITS.steps) return { ok: false, message: 'step budget exceeded' }
          const value = evaluate({ input: toCel(state.input), nodes: toCel(state.nodes) })
          return isCelError(value) ? { ok: false, message: value.message } : { ok: true, value }
        },
      },
    }
  } catch (error) {
    return { issue: { code: 'condition-syntax', message: error instanceof Error ? error.message : String(error) } }
  }
}

/** The key of a mapping that a result selects: text as it is, numbers and booleans in print. */
export function mappingKey(value: unknown): string {
  return typeof value === 'string' ? value : String(value)
}

function tooComplex(message: string): { issue: ConditionIssue } {
  return { issue: { code: 'condition-too-complex', message } }
}

interface Shape {
  /** Nodes of the expression. */
  size: number
  /** How deeply comprehensions nest. */
  depth: number
  reads: Set<string>
}

/** Walks the syntax tree (cel.expr.Expr, a protobuf message) without knowing all of its kinds. */
function shapeOf(tree: unknown): Shape {
  const shape: Shape = { size: 0, depth: 0, reads: new Set() }
  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null) return
    if (Array.isArray(value)) {
      for (const item of value) visit(item, depth)
      return
    }
    const isFold = '$typeName' in value && value.$typeName === 'cel.expr.Expr.Comprehension'
    if ('$typeName' in value && value.$typeName === 'cel.expr.Expr') {
      shape.size += 1
      const name = nodeRead(value)
      if (name !== undefined) shape.reads.add(name)
    }
    const inner = isFold ? depth + 1 : depth
    shape.depth = Math.max(shape.depth, inner)
    for (const [key, child] of Object.entries(value)) visit(child, key === 'iterRange' ? depth : inner)
  }
  visit(tree, 0)
  return shape
}

/** The node name in `nodes.name` and `nodes["name"]`. */
function nodeRead(expression: object): string | undefined {
  const kind = part(expression, 'exprKind')
  const value = part(kind, 'value')
  if (part(kind, 'case') === 'selectExpr' && isNodes(part(value, 'operand'))) return text(part(value, 'field'))
  const args = part(value, 'args')
  if (
    part(kind, 'case') !== 'callExpr' ||
    part(value, 'function') !== '_[_]' ||
    !Array.isArray(args) ||
    !isNodes(args[0])
  ) {
    return undefined
  }
  return text(part(part(part(part(args[1], 'exprKind'), 'value'), 'constantKind'), 'value'))
}

function isNodes(expression: unknown): boolean {
  return part(part(part(expression, 'exprKind'), 'value'), 'name') === 'nodes'
}

function part(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** JSON as CEL wants it: objects as maps. */
function toCel(value: unknown): CelInput {
  if (Array.isArray(value)) return value.map(toCel)
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value !== 'object' || value === null) return null
  return new Map(Object.entries(value).map(([key, child]): [string, CelInput] => [key, toCel(child)]))
}

function longestList(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((most, item) => Math.max(most, longestList(item)), value.length)
  if (typeof value !== 'object' || value === null) return 0
  const children = Object.values(value)
  return children.reduce<number>((most, child) => Math.max(most, longestList(child)), children.length)
}
