import { expect, it } from 'vitest'
import { html } from './html.ts'

it('escapes what is put into a page, and not what is a page already', () => {
  const evil = `<script>"'&`
  expect(html`<p title="${evil}">${evil}${html`<b>${1}</b>`}${[html`<i></i>`, html`${evil}`]}</p>`.text).toBe(
    '<p title="&#60;script&#62;&#34;&#39;&#38;">&#60;script&#62;&#34;&#39;&#38;<b>1</b><i></i>&#60;script&#62;&#34;&#39;&#38;</p>',
  )
  expect(html`${undefined}`.text).toBe('')
})
