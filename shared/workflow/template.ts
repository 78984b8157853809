/**
 * Texts with holes: `{{ input.text }}`, `{{ nodes.answer.output }}`, `{{ nodes.a.output.items.0 }}`. Paths only, no
 * code, no loops; a hole whose value is missing is empty. A mustache that is no path stays as written.
 */
const HOLE = /\{\{\s*([A-Za-z_][\w-]*(?:\.[\w-]+)*)\s*\}\}/g

export interface TemplateText {
  /** Literal texts; one more than there are paths. */
  readonly texts: readonly string[]
  readonly paths: readonly (readonly string[])[]
}

/** What templates and conditions read. */
export interface StateView {
  input: { text: string; history?: readonly { role: string; content: string }[] | undefined }
  nodes: Record<string, { output: unknown }>
}

export function parseTemplate(source: string): TemplateText {
  const texts: string[] = []
  const paths: string[][] = []
  let end = 0
  for (const match of source.matchAll(HOLE)) {
    texts.push(source.slice(end, match.index))
    paths.push((match[1] ?? '').split('.'))
    end = match.index + match[0].length
  }
  texts.push(source.slice(end))
  return { texts, paths }
}

export function renderTemplate(template: TemplateText, state: StateView): string {
  let text = template.texts[0] ?? ''
  template.paths.forEach((path, index) => {
    text += textOf(valueAt(state, path)) + (template.texts[index + 1] ?? '')
  })
  return text
}

/** A value as a reader expects it: a node's output by its text, other things as JSON. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'object' && 'text' in value && typeof value.text === 'string') return value.text
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let current = value
  for (const name of path) {
    // Own properties only: a template must not reach a prototype.
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined
    current = Reflect.get(current, name)
  }
  return current
}
