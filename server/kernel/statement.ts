import { createHash } from 'node:crypto'

/**
 * A part of one SQL statement: a data-modifying or plain query that becomes the CTE `name`. Its placeholders count
 * from $1 within the part; it may read other parts by name. Composing parts is how a whole mutation, or the whole end
 * of a run, costs one round trip and one commit.
 */
export interface Part {
  name: string
  sql: string
  values: unknown[]
}

export interface Statement {
  /** Name of the prepared statement: the same text always has the same name. */
  name: string
  text: string
  values: unknown[]
}

const names = new Map<string, string>()

/** One statement of `parts` as CTEs in order, ended by `final`, which may read them all and has no placeholders. */
export function compose(parts: readonly Part[], final: string): Statement {
  const values: unknown[] = []
  const ctes = parts.map((part) => {
    const shift = values.length
    values.push(...part.values)
    return `${part.name} as (${part.sql.replace(/\$(\d+)/g, (_, number: string) => `$${Number(number) + shift}`)})`
  })
  const text = `with ${ctes.join(',\n')}\n${final}`
  return { name: nameOf(text), text, values }
}

/** The end of a statement that answers with the rows of one part. */
export const rowsOf = (part: string) => `select * from ${part}`

/** A prepared statement under a name made of its text. */
export function prepared(text: string, values: unknown[]): Statement {
  return { name: nameOf(text), text, values }
}

function nameOf(text: string): string {
  const known = names.get(text)
  if (known) return known
  const name = `s_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
  // Texts are few because they are made of code, not of input; the bound is a guard against a mistake.
  if (names.size > 5000) names.clear()
  names.set(text, name)
  return name
}
