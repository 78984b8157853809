import { Type } from 'typebox'
import { dictionary } from '../../kernel/shapes.ts'

/** Settings that several kinds of node share. */
export const LIMITS = {
  /** Characters of a template. */
  template: 64 * 1024,
  timeout_seconds: 600,
} as const

export const template = (title: string) => Type.String({ title, maxLength: LIMITS.template })
export const timeoutSeconds = Type.Integer({ title: 'timeout_seconds', minimum: 1, maximum: LIMITS.timeout_seconds })

/** What every node may read: `{{ input.text }}`, `{{ nodes.<name>.output }}`. */
export const stateSchema = Type.Object({
  input: Type.Object({
    text: Type.String(),
    history: Type.Optional(Type.Array(Type.Object({ role: Type.String(), content: Type.String() }))),
  }),
  nodes: dictionary(Type.Object({ output: Type.Unknown() })),
})
