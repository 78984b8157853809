import { describe, expect, test } from 'vitest'
import { currentArgs } from '../../../shared/kernel/mutator.ts'
import { MUTATORS } from '../../../shared/registry.ts'
import { trimmedIssueOf } from '../../../server/kernel/validate.ts'
import recorded from './recorded-mutations.json' with { type: 'json' }

/**
 * `recorded-mutations.json` holds arguments by mutation and version, as they lie in outboxes out there. Lines are added
 * and never changed: an outbox may have waited for a year.
 */
describe.each(Object.values(MUTATORS).map((mutator) => [mutator.name, mutator] as const))('%s', (name, mutator) => {
  const versions: Record<string, Record<string, unknown>[]> = Object(Reflect.get(recorded, name))

  test.each(Array.from({ length: mutator.version }, (_, index) => index + 1))('is taken as version %i', (version) => {
    const examples = versions[String(version)] ?? []
    expect(examples.length, `no recording of version ${version}`).toBeGreaterThan(0)
    for (const args of examples) {
      const now = structuredClone(currentArgs(mutator, { version, args }))
      const before = JSON.stringify(now)
      expect(trimmedIssueOf(mutator.args, now)).toBeUndefined()
      expect(JSON.stringify(now), 'nothing of it is unknown today').toBe(before)
    }
  })
})

test('every recorded mutation is still known', () => {
  expect(Object.keys(recorded).filter((name) => !MUTATORS[name])).toEqual([])
})
