import { Ajv, type Options, type ValidateFunction } from 'ajv'
import addFormatsModule from 'ajv-formats'
import type { TSchema } from 'typebox'
import { userError } from '../../shared/kernel/errors.ts'

/** Why a value does not fit a schema: JSON pointer and reason. */
export interface Issue {
  path: string
  message: string
}

const ajv = createAjv()
/** Takes properties out that a schema does not name; objects of free form (records, unknown) keep theirs. */
const trimming = createAjv({ removeAdditional: 'all' })

function createAjv(options: Options = {}): Ajv {
  const made = new Ajv({ allErrors: false, strict: false, coerceTypes: false, ...options })
  // The package is CommonJS: under Node's ESM its function is the default export's `default`.
  const addFormats = 'default' in addFormatsModule ? addFormatsModule.default : addFormatsModule
  if (typeof addFormats === 'function') addFormats(made, ['uuid', 'email', 'date-time', 'uri'])
  return made
}

/** Compiled once per schema: compiling costs milliseconds, checking a tenth of a microsecond. */
function compileOnce(compiler: Ajv): (schema: TSchema) => ValidateFunction {
  const compiled = new WeakMap<TSchema, ValidateFunction>()
  return (schema) => {
    const known = compiled.get(schema)
    if (known) return known
    const made = compiler.compile(schema)
    compiled.set(schema, made)
    return made
  }
}

export const validator = compileOnce(ajv)
const trimmer = compileOnce(trimming)

/** The first thing wrong with `value`, or undefined. */
export function issueOf(schema: TSchema, value: unknown): Issue | undefined {
  return issueBy(validator(schema), value)
}

/**
 * The same for input that becomes rows. What the schema does not name is taken out of `value`, in place: else a caller
 * could write columns that nobody meant to hand over.
 */
export function trimmedIssueOf(schema: TSchema, value: unknown): Issue | undefined {
  return issueBy(trimmer(schema), value)
}

function issueBy(check: ValidateFunction, value: unknown): Issue | undefined {
  if (check(value)) return undefined
  const error = check.errors?.[0]
  return { path: error?.instancePath || '/', message: error?.message ?? 'does not fit' }
}

/** Refuses what does not fit, naming the place. */
export function requireValid(schema: TSchema, value: unknown, part: string): void {
  refuse(issueOf(schema, value), part)
}

/** The same, taking out of `value` what the schema does not name. */
export function requireTrimmed(schema: TSchema, value: unknown, part: string): void {
  refuse(trimmedIssueOf(schema, value), part)
}

function refuse(issue: Issue | undefined, part: string): void {
  if (!issue) return
  throw userError(
    'request/invalid',
    { part, path: issue.path, reason: issue.message },
    `${part}${issue.path}: ${issue.message}`,
  )
}

/** Whether JSON is nested at most `levels` deep. Takes no stack, which deep JSON would exhaust in `JSON.stringify`. */
export function isShallow(value: unknown, levels: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; depth <= levels; depth++) {
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
    if (level.length === 0) return true
  }
  return false
}
