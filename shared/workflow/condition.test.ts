import { describe, expect, it } from 'vitest'
import { compileCondition, type ConditionResult } from './condition.ts'
import type { StateView } from './template.ts'

const state: StateView = {
  input: { text: 'hello there', history: [{ role: 'user', content: 'hi' }] },
  nodes: { count: { output: { n: 4, flag: true, list: [1, 2, 3] } }, 'with-dash': { output: { text: 'yes' } } },
}

function evaluate(source: string, on = state): ConditionResult {
  const compiled = compileCondition(source)
  if ('issue' in compiled) throw new Error(compiled.issue.message)
  return compiled.condition.evaluate(on)
}

describe('a condition', () => {
  it.each([
    ['nodes.count.output.n > 3', true],
    ['nodes.count.output.n == 4', true],
    ['nodes["with-dash"].output.text == "yes" ? "a" : "b"', 'a'],
    ['input.text.startsWith("hello") && size(input.text) > 5', true],
    ['input.history.exists(m, m.role == "user")', true],
    ['has(nodes.nobody)', false],
  ])('evaluates %s', (source, value) => {
    expect(evaluate(source)).toEqual({ ok: true, value })
  })

  it.each(['nodes.nobody.output', 'unknown', 'nodes.count.output.n + "x"'])('gives a reason for %s', (source) => {
    expect(evaluate(source).ok).toBe(false)
  })

  it.each(['input.', '1 +', 'a b'])('refuses the syntax of %s', (source) => {
    expect(compileCondition(source)).toMatchObject({ issue: { code: 'condition-syntax' } })
  })

  it('knows which nodes it reads', () => {
    const compiled = compileCondition('nodes.a.output.x > 1 || nodes["b-c"].output.y == nodes.a.output.z')
    expect('condition' in compiled && compiled.condition.reads).toEqual(['a', 'b-c'])
  })

  it('refuses comprehensions nested in comprehensions in comprehensions', () => {
    expect(compileCondition('[1].all(a, [1].all(b, [1].all(c, true)))')).toMatchObject({
      issue: { code: 'condition-too-complex' },
    })
  })

  it('stops before a walk over too much', () => {
    const history = Array.from({ length: 3_000 }, () => ({ role: 'user', content: 'x' }))
    const result = evaluate('input.history.all(a, input.history.all(b, a != b))', {
      input: { text: '', history },
      nodes: {},
    })
    expect(result).toEqual({ ok: false, message: 'step budget exceeded' })
  })

  it('answers a pattern that backtracking engines choke on', () => {
    const text = 'a'.repeat(20_000)
    const started = performance.now()
    expect(evaluate('input.text.matches("^(a+)+$b")', { input: { text }, nodes: {} })).toMatchObject({
      ok: true,
      value: false,
    })
    expect(performance.now() - started).toBeLessThan(1_000)
  })

  it('reaches no prototype', () => {
    expect(evaluate('nodes.constructor').ok).toBe(false)
    expect(evaluate('nodes.__proto__').ok).toBe(false)
  })
})
