import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byteLength, CAPS } from '../../shared/kernel/caps.ts'
import { pendingOf } from '../testing/pending.ts'
import { nextBatch, outcomeOf } from './push-batch.ts'

test('a batch is the oldest undecided mutations in order, within the caps (I9)', () => {
  const items = fc.uniqueArray(
    fc.record({ seq: fc.integer({ min: 1, max: 500 }), size: fc.nat(300_000), done: fc.boolean() }),
    {
      selector: (item) => item.seq,
      maxLength: 80,
    },
  )
  fc.assert(
    fc.property(items, fc.boolean(), (list, narrow) => {
      const outbox = list.map(({ seq, size, done }) =>
        pendingOf(seq, {
          args: { text: 'x'.repeat(size) },
          ...(done ? { outcome: { status: 'applied' as const } } : {}),
        }),
      )
      const waiting = list
        .filter((item) => !item.done)
        .map((item) => item.seq)
        .sort((a, b) => a - b)
      const batch = nextBatch(outbox, { narrow })
      expect(batch.map((item) => item.seq)).toEqual(waiting.slice(0, batch.length))
      expect(batch.length > 0).toBe(waiting.length > 0)
      if (batch.length > 1) {
        expect(narrow).toBe(false)
        expect(batch.length).toBeLessThanOrEqual(CAPS.mutations)
        expect(byteLength(JSON.stringify(batch))).toBeLessThanOrEqual(CAPS.push)
      }
    }),
    { numRuns: 30 },
  )
})

test('the wire form carries nothing that only this device needs', () => {
  const [sent] = nextBatch([pendingOf(1, { lsn: '5', effect: { writes: [], creates: [], touches: [], tables: [] } })], {
    narrow: false,
  })
  expect(Object.keys(sent ?? {}).sort()).toEqual(['args', 'created_at', 'hlc', 'id', 'name', 'seq', 'version'])
})

test('a duplicate that carries a refusal is a refusal', () => {
  expect(outcomeOf({ id: 'a', status: 'duplicate', error: { code: 'chat/deleted' } })).toEqual({
    status: 'rejected',
    error: { code: 'chat/deleted' },
  })
  expect(outcomeOf({ id: 'a', status: 'duplicate' })).toEqual({ status: 'applied' })
})
