import { Type } from 'typebox'
import { byteLength, CAPS } from '../kernel/caps.ts'
import { userError } from '../kernel/errors.ts'
import type { Row } from '../kernel/mutator.ts'
import { listing, modelParams } from './rows.ts'

const id = Type.String({ format: 'uuid' })

/** Fields of a draft that its developer edits. */
export const draftFields = Type.Object({
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  description: Type.Optional(Type.String({ maxLength: 8000 })),
  category_id: Type.Optional(Type.Union([id, Type.Null()])),
  tags: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 40 }), { maxItems: 12 })),
  icon: Type.Optional(Type.Union([Type.String({ maxLength: 64 }), Type.Null()])),
  listing: Type.Optional(listing),
  system_prompt: Type.Optional(Type.String({ maxLength: CAPS.prompt })),
  model_params: Type.Optional(modelParams),
  /** Checked against `workflowDefinition` on submit and before a run; a draft may be unfinished. */
  workflow_definition: Type.Optional(Type.Unknown()),
})

/** Refuses what is too large to store. */
export function checkSizes(set: Row): void {
  if (typeof set['system_prompt'] === 'string' && byteLength(set['system_prompt']) > CAPS.prompt) {
    throw userError('row/too-large', { field: 'system_prompt', limit: CAPS.prompt })
  }
  if (byteLength(JSON.stringify(set)) > CAPS.json) throw userError('row/too-large', { limit: CAPS.json })
}
