import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BlockMemo, type Block } from './blocks.ts'

const whole = (text: string) => new BlockMemo().finish(text)
const tokens = (blocks: readonly Block[]) => blocks.map((block) => block.tokens)

const documents = [
  '# 标题\n\n一段**粗体**和`代码`。\n\n- 甲\n\n- 乙\n  - 丙\n\n  续段\n\n1. 一\n2. 二\n\n> 引用\n懒续行\n\n尾段',
  '```js\nconst a = 1\n\n# 不是标题\n```\n\n| 列 | 列 |\n| --- | --- |\n| 1 | 2 |\n\n末段\n第二行',
  'Setext\n===\n\n<b>raw</b>\n\n    缩进代码\n\n    又一行\n\n***\n\n[a](https://example.com) ![p](https://example.com/p.png)',
  '未闭合的围栏\n\n~~~\nlet x\n\n还在里面',
  '一\n二\n\n三\n\n\n\n四  \n五',
  '一\r\n二\r\n\r\n- [ ] 三\r\n- [x] 四\r\n\r\n五',
]

describe('streaming Markdown', () => {
  it('ends where a reading of the whole text ends, however it was cut', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...documents),
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }),
        (text, sizes) => {
          const stream = new BlockMemo()
          let at = 0
          for (let turn = 0; at < text.length; turn++) {
            at += sizes[turn % sizes.length] ?? 1
            stream.update(text.slice(0, at))
          }
          expect(tokens(stream.update(text))).toEqual(tokens(whole(text)))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('leaves a closed block alone: it stays the same object', () => {
    const stream = new BlockMemo()
    const seen = new Set<Block>()
    let text = ''
    for (let index = 0; index < 50; index++) {
      text += `段落 ${index}\n\n`
      for (const block of stream.update(text)) seen.add(block)
    }
    expect(seen.size).toBe(50)
    for (const block of stream.finish(text)) seen.add(block)
    expect(seen.size).toBe(50)
  })

  it('resolves links that are defined later when the text is complete', () => {
    const text = '看 [这里][1]。\n\n一\n\n二\n\n三\n\n[1]: https://example.com'
    const stream = new BlockMemo()
    for (let at = 1; at <= text.length; at++) stream.update(text.slice(0, at))
    expect(JSON.stringify(tokens(stream.finish(text)))).toContain('"href":"https://example.com"')
  })

  it('starts over when the text is replaced', () => {
    const stream = new BlockMemo()
    stream.update('一\n\n二\n\n三\n\n四')
    expect(tokens(stream.update('别的'))).toEqual(tokens(whole('别的')))
  })
})
