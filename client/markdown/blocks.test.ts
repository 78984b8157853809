import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BlockMemo } from './blocks.ts'
import { isOwnPicture, parse, renderTokens } from './engine.ts'

const env = { words: { copy: '复制', code: '代码', table: '表格', picture: '图片' } }
const whole = (text: string) => renderTokens(parse(text, { ...env }), { ...env })
const memo = () => new BlockMemo(env, (html) => html)
const html = (blocks: readonly { html: string }[]) => blocks.map((block) => block.html).join('')

const documents = [
  '# 标题\n\n一段**粗体**和`代码`。\n\n- 甲\n\n- 乙\n  - 丙\n\n  续段\n\n1. 一\n2. 二\n\n> 引用\n懒续行\n\n尾段',
  '```js\nconst a = 1\n\n# 不是标题\n```\n\n| 列 | 列 |\n| --- | --- |\n| 1 | 2 |\n\n末段\n第二行',
  'Setext\n===\n\n<b>raw</b>\n\n    缩进代码\n\n    又一行\n\n***\n\n[a](https://example.com) ![p](https://example.com/p.png)',
  '未闭合的围栏\n\n~~~\nlet x\n\n还在里面',
  '一\n二\n\n三\n\n\n\n四  \n五',
]

describe('streaming Markdown', () => {
  it('ends where a rendering of the whole text ends, however it was cut', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...documents),
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }),
        (text, sizes) => {
          const stream = memo()
          let at = 0
          for (let turn = 0; at < text.length; turn++) {
            at += sizes[turn % sizes.length] ?? 1
            stream.update(text.slice(0, at))
          }
          expect(html(stream.update(text))).toBe(whole(text))
        },
      ),
      { numRuns: 200 },
    )
  })

  it('renders a closed block once', () => {
    let cleaned = 0
    const stream = new BlockMemo(env, (text) => {
      cleaned++
      return text
    })
    const paragraphs = Array.from({ length: 50 }, (_, index) => `段落 ${index}`)
    let text = ''
    for (const paragraph of paragraphs) {
      text += `${paragraph}\n\n`
      stream.update(text)
    }
    expect(cleaned).toBeLessThan(60)
  })

  it('resolves links that are defined later when the text is complete', () => {
    const text = '看 [这里][1]。\n\n一\n\n二\n\n三\n\n[1]: https://example.com'
    const stream = memo()
    for (let at = 1; at <= text.length; at++) stream.update(text.slice(0, at))
    expect(html(stream.finish(text))).toContain('href="https://example.com"')
  })

  it('starts over when the text is replaced', () => {
    const stream = memo()
    stream.update('一\n\n二\n\n三\n\n四')
    expect(html(stream.update('别的'))).toBe(whole('别的'))
  })
})

describe('what an answer may load', () => {
  it('shows our own and inline pictures only', () => {
    expect(isOwnPicture('/files/a.png')).toBe(true)
    expect(isOwnPicture('data:image/png;base64,AA')).toBe(true)
    expect(isOwnPicture('//evil.example/a.png')).toBe(false)
    expect(isOwnPicture('/\\evil.example/a.png')).toBe(false)
    expect(isOwnPicture('https://evil.example/a.png')).toBe(false)
    expect(isOwnPicture('data:image/svg+xml;base64,AA')).toBe(false)
  })

  it('turns a picture from elsewhere into a link, and raw HTML into text', () => {
    expect(whole('![密](https://evil.example/?q=1)')).not.toContain('<img')
    expect(whole('<img src=x onerror=alert(1)>')).not.toContain('<img')
    expect(whole('[x](javascript:alert(1))')).not.toContain('href')
  })
})
