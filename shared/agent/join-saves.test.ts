import fc from 'fast-check'
import { expect, it } from 'vitest'
import { formatHlc } from '../kernel/hlc.ts'
import type { MutationContext, Reader, Row, Write } from '../kernel/mutator.ts'
import { updateDraft } from './draft-mutators.ts'
import { joinSaves } from './join-saves.ts'

const ID = '01900000-0000-7000-8000-000000000001'
const save = (set: Row, base: Row) => ({ id: ID, set, base })

it('joins a save with the one that it goes on from, from where the first began', () => {
  const earlier = save({ name: 'A', description: 'd' }, { name: '', description: '' })
  expect(joinSaves(earlier, save({ name: 'Ab' }, { name: 'A' }))).toEqual(
    save({ name: 'Ab', description: 'd' }, { name: '', description: '' }),
  )
  expect(joinSaves(earlier, save({ system_prompt: 'x' }, { system_prompt: '' }))).toEqual(
    save({ name: 'A', description: 'd', system_prompt: 'x' }, { name: '', description: '', system_prompt: '' }),
  )
})

it.each([
  ['of another draft', { ...save({ name: 'Ab' }, { name: 'A' }), id: ID.replace(/1$/, '2') }],
  ['that started from what somebody else made of it', save({ name: 'Ab' }, { name: 'B' })],
  ['that does not say what it started from', save({ name: 'Ab' }, {})],
  ['that would be too large together', save({ system_prompt: 'x'.repeat(800_000) }, { system_prompt: '' })],
])('leaves one alone %s', (_, later) => {
  const huge = 'y'.repeat(_.includes('large') ? 800_000 : 1)
  expect(joinSaves(save({ name: 'A', description: huge }, { name: '', description: '' }), later)).toBeUndefined()
})

it('leaves the clock of a field to the save that wrote it, where only clocks decide', () => {
  expect(joinSaves(save({ name: 'A' }, {}), save({ description: 'd' }, { description: '' }))).toBeUndefined()
  expect(joinSaves(save({ name: 'A' }, {}), save({ name: 'Ab' }, {}))).toEqual(save({ name: 'Ab' }, {}))
})

/** The draft's row after saves, by themselves. */
function after(draft: Row, saves: readonly { args: ReturnType<typeof save>; ms: number; node: string }[]): Row {
  let row = draft
  const rows: Reader = { get: () => row }
  const conflicts: Write[] = []
  for (const { args, ms, node } of saves) {
    const hlc = formatHlc({ ms, counter: 0 }, node)
    const ctx: MutationContext = { user_id: 'u', now: new Date(ms).toISOString(), hlc, mutation_id: ID }
    for (const write of updateDraft.run(args, rows, ctx)) {
      if (write.op === 'update' && write.table === 'agent_drafts') row = { ...row, ...write.set }
      else conflicts.push(write)
    }
  }
  return { system_prompt: row['system_prompt'], open: conflicts.length > 0 }
}

const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 6 })
const text = lines.map((all) => all.join('\n'))

it('comes to the same text as the saves one by one where neither way asks, whatever another device saved before (I36)', () => {
  fc.assert(
    fc.property(text, text, text, text, (start, first, second, theirs) => {
      const draft = { id: ID, system_prompt: start, revision: 1, deleted_at: null, field_clock: {}, conflicts: [] }
      const earlier = save({ system_prompt: first }, { system_prompt: start })
      const later = save({ system_prompt: second }, { system_prompt: first })
      const joined = joinSaves(earlier, later)
      const other = { args: save({ system_prompt: theirs }, { system_prompt: start }), ms: 1, node: 'bbbb' }
      if (!joined) return
      const both = after(draft, [other, { args: earlier, ms: 2, node: 'aaaa' }, { args: later, ms: 3, node: 'aaaa' }])
      const one = after(draft, [
        other,
        { args: save(Object(joined['set']), Object(joined['base'])), ms: 3, node: 'aaaa' },
      ])
      if (!both['open'] && !one['open']) expect(one['system_prompt']).toBe(both['system_prompt'])
    }),
    { numRuns: 500 },
  )
})
