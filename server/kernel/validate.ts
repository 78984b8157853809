import { Ajv, type ValidateFunction } from 'ajv'
import addFormatsModule from 'ajv-formats'
import type { TSchema } from 'typebox'
import { userError } from '../../shared/kernel/errors.ts'

/** Why a value does not fit a schema: JSON pointer and reason. */
export interface Issue {
  path: string
  message: string
}

const ajv = new Ajv({ allErrors: false, strict: false, coerceTypes: false })
// The package is CommonJS: under Node's ESM its function is the default export's `default`.
const addFormats = 'default' in addFormatsModule ? addFormatsModule.default : addFormatsModule
if (typeof addFormats === 'function') addFormats(ajv, ['uuid', 'email', 'date-time', 'uri'])

const compiled = new WeakMap<TSchema, ValidateFunction>()

/** Compiled once per schema: compiling costs milliseconds, checking a tenth of a microsecond. */
export function validator(schema: TSchema): ValidateFunction {
  const known = compiled.get(schema)
  if (known) return known
  const made = ajv.compile(schema)
  compiled.set(schema, made)
  return made
}

/** The first thing wrong with `value`, or undefined. */
export function issueOf(schema: TSchema, value: unknown): Issue | undefined {
  const check = validator(schema)
  if (check(value)) return undefined
  const error = check.errors?.[0]
  return { path: error?.instancePath || '/', message: error?.message ?? 'does not fit' }
}

/** Refuses what does not fit, naming the place. */
export function requireValid(schema: TSchema, value: unknown, part: string): void {
  const issue = issueOf(schema, value)
  if (issue) {
    throw userError(
      'request/invalid',
      { part, path: issue.path, reason: issue.message },
      `${part}${issue.path}: ${issue.message}`,
    )
  }
}
