import pg from 'pg'

/** What is wrong, by parameter; of a subset, by its own. */
export type Reasons = Record<string, string[] | Record<string, string[]>>

/** A shape that cannot be: reasons by parameter, as Electric words them. */
export class InvalidShape extends Error {
  readonly errors: Reasons

  constructor(field: string, reason: string | Record<string, string[]>) {
    super(typeof reason === 'string' ? reason : `the ${field} cannot be read`)
    this.name = 'InvalidShape'
    this.errors = { [field]: typeof reason === 'string' ? [reason] : reason }
  }
}

/** Whether Postgres refuses the statement itself (class 42), or a constant in it that is no value of its type (22). */
export function isWrongStatement(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && /^(?:42|22)/.test(error.code ?? '')
}
