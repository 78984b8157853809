import { h } from 'vue'
import { renderToString } from 'vue/server-renderer'
import { describe, expect, it } from 'vitest'
import { parse } from './parse.ts'
import { isOwnPicture, render } from './render.ts'

/** The page's HTML for a text, without the marks that Vue leaves between nodes. */
const html = async (text: string) =>
  (await renderToString(h('div', render(parse(text)))))
    .replaceAll(/<!--.*?-->/g, '')
    .replace(/^<div>(.*)<\/div>$/s, '$1')

describe('Markdown', () => {
  it('knows the structures of answers', async () => {
    expect(await html('# 一\n\n**二** *三* ~~四~~ `五`')).toBe(
      '<h1>一</h1><p><strong>二</strong> <em>三</em> <del>四</del> <code>五</code></p>',
    )
    expect(await html('3. 甲\n4. 乙\n   - 丙')).toBe('<ol start="3"><li>甲</li><li>乙<ul><li>丙</li></ul></li></ol>')
    expect(await html('- 甲\n\n- 乙')).toBe('<ul><li><p>甲</p></li><li><p>乙</p></li></ul>')
    expect(await html('- [ ] 甲\n- [x] 乙')).toBe('<ul><li>☐ 甲</li><li>☑ 乙</li></ul>')
    expect(await html('> 甲\n乙\n\n---')).toBe('<blockquote><p>甲<br>乙</p></blockquote><hr>')
  })

  it('knows tables, their alignment, and lines within a cell', async () => {
    const table = await html('| 列 | 数 |\n| --- | ---: |\n| 甲<br>乙 | 1 |')
    expect(table).toContain('<th>列</th><th style="text-align:right;">数</th>')
    expect(table).toContain('<td>甲<br>乙</td><td style="text-align:right;">1</td>')
    expect(table).toMatch(/^<div class="md-table" tabindex="0" role="region" aria-label="[^"]+">/)
  })

  it('shows code as it was written, with its language', async () => {
    const code = await html('```ts extra\nconst a = "&amp; <b>"\n```')
    expect(code).toContain('<span>ts</span>')
    expect(code).toContain('<code>const a = &quot;&amp;amp; &lt;b&gt;&quot;</code>')
  })

  it('links addresses, and ends them where Chinese punctuation begins', async () => {
    const link = (href: string, text = href) =>
      `<a href="${href}" target="_blank" rel="noopener noreferrer nofollow">${text}</a>`
    expect(await html('见 https://example.com/a?b=1，然后')).toBe(
      `<p>见 ${link('https://example.com/a?b=1')}，然后</p>`,
    )
    expect(await html('见 www.example.com。')).toBe(`<p>见 ${link('http://www.example.com', 'www.example.com')}。</p>`)
    expect(await html('[名](/chat/1?a=1&amp;b=2)')).toBe(`<p>${link('/chat/1?a=1&amp;b=2', '名')}</p>`)
    expect(await html('https://zh.example.org/wiki/榕树')).toContain('href="https://zh.example.org/wiki/榕树"')
  })

  it('reads character references once', async () => {
    expect(await html('a &lt;b&gt; &amp;amp; &#20013; \\&lt;')).toBe('<p>a &lt;b&gt; &amp;amp; 中 &amp;lt;</p>')
  })
})

describe('what an answer may do to the page', () => {
  it('shows our own and inline pictures only', () => {
    expect(isOwnPicture('/files/a.png')).toBe(true)
    expect(isOwnPicture('data:image/png;base64,AA')).toBe(true)
    expect(isOwnPicture('//evil.example/a.png')).toBe(false)
    expect(isOwnPicture('/\\evil.example/a.png')).toBe(false)
    expect(isOwnPicture('https://evil.example/a.png')).toBe(false)
    expect(isOwnPicture('data:image/svg+xml;base64,AA')).toBe(false)
  })

  it('turns a picture from elsewhere into a link', async () => {
    expect(await html('![密](/files/a.png)')).toBe('<p><img src="/files/a.png" alt="密" loading="lazy"></p>')
    const outside = await html('![密](https://evil.example/?q=1)')
    expect(outside).not.toContain('<img')
    expect(outside).toContain('<a href="https://evil.example/?q=1"')
  })

  it('shows HTML as text', async () => {
    for (const evil of [
      '<img src=x onerror=alert(1)>',
      '<script>alert(1)</script>',
      '一段\n<div onclick="a">x</div>',
      '<a href="javascript:alert(1)">x</a>',
      '<!-- x -->',
      '<br onclick="alert(1)">',
    ]) {
      const shown = await html(evil)
      expect(shown.replaceAll(/<\/?p>|<br>/g, '')).not.toMatch(/<(?!\/?a )/)
      expect(shown).toContain('&lt;')
    }
  })

  it('follows an address to pages only', async () => {
    for (const evil of [
      '[x](javascript:alert(1))',
      '[x](JAVASCRIPT:alert(1))',
      '[x](&#106;avascript:alert(1))',
      '[x](<java\tscript:alert(1)>)',
      '[x](vbscript:a)',
      '[x](data:text/html,a)',
      '<javascript:alert(1)>',
      '[x][1]\n\n[1]: javascript:alert(1)',
      '![x](javascript:alert(1))',
    ])
      expect(await html(evil), evil).not.toContain('href')
  })

  it('survives what nobody would write', async () => {
    for (const odd of [
      '>'.repeat(5000),
      '['.repeat(5000),
      '_a'.repeat(60_000),
      '- '.repeat(2000),
      `a${' '.repeat(60_000)}b`,
    ]) {
      const began = performance.now()
      expect((await html(odd)).length).toBeGreaterThan(0)
      expect(performance.now() - began).toBeLessThan(2000)
    }
  })
})
