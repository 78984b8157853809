import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

let source: Promise<string> | undefined

interface Violation {
  id: string
  nodes: { target: string[]; failureSummary: string }[]
}

interface Checker {
  run: (context: Document, options: unknown) => Promise<{ violations: Violation[] }>
}

/** Rules of accessibility that the page breaks, each with the places where it does. */
export async function violations(page: Page): Promise<string[]> {
  source ??= readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  // The page's own policy forbids injected scripts; the protocol's evaluate is not bound by it.
  const found = await page.evaluate(
    async (script): Promise<Violation[]> => {
      const kept: Checker | undefined = Reflect.get(window, 'axeOfTests')
      const checker: Checker = kept ?? new Function(`${script}; return axe`)()
      Reflect.set(window, 'axeOfTests', checker)
      const options = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }
      return (await checker.run(document, options)).violations
    },
    await source,
  )
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`)
}
