import { describe, expect, it } from 'vitest'
import { parseTemplate, renderTemplate } from './template.ts'

const state = {
  input: { text: 'hello', history: [{ role: 'user', content: 'before' }] },
  nodes: { ask: { output: { text: 'answer', n: 3 } }, 'two-words': { output: ['a', 'b'] } },
}
const render = (source: string) => renderTemplate(parseTemplate(source), state)

describe('a template', () => {
  it.each([
    ['no holes', 'no holes'],
    ['{{ input.text }}!', 'hello!'],
    ['{{nodes.ask.output}}', 'answer'],
    ['{{ nodes.ask.output.n }}', '3'],
    ['{{ nodes.two-words.output }}', '["a","b"]'],
    ['{{ nodes.two-words.output.1 }}', 'b'],
    ['{{ input.history.0.content }}', 'before'],
    ['[{{ nodes.nobody.output }}]', '[]'],
    ['{{ nodes.ask.constructor }}|{{ __proto__.x }}', '|'],
    ['{{ not a path }} {{}} {{ 1 + 1 }}', '{{ not a path }} {{}} {{ 1 + 1 }}'],
    ['{{ input.text }}{{ input.text }}', 'hellohello'],
  ])('renders %s', (source, text) => {
    expect(render(source)).toBe(text)
  })

  it('does not read holes in what it fills in', () => {
    expect(
      renderTemplate(parseTemplate('{{ input.text }}'), { input: { text: '{{ nodes.ask.output }}' }, nodes: {} }),
    ).toBe('{{ nodes.ask.output }}')
  })
})
