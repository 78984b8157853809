import { expect, it } from 'vitest'
import { issueOf } from '../../kernel/validate.ts'
import { operations } from './contracts.ts'
import { exampleOf } from './example.ts'
import { plainSchema } from './plain-schema.ts'

/** Schemas with patterns or lengths that an example cannot guess. */
const GUESSED = new Set(['setup.create', 'user.create', 'agent.submit'])

it('makes examples that the server would take', () => {
  for (const { id, body } of operations()) {
    if (GUESSED.has(id)) continue
    const example = exampleOf(plainSchema(body))
    expect(issueOf(body, example), `${id} ${JSON.stringify(example)}`).toBeUndefined()
  }
})
