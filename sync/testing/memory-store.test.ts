import { expect, test } from 'vitest'
import { brokenPromises } from './device-store-contract.ts'
import { MemoryStore, type DeviceState } from './memory-store.ts'
import { pendingOf } from './pending.ts'

test('the store in memory keeps the contract of device stores', async () => {
  expect(await brokenPromises(async () => new MemoryStore())).toEqual([])
})

test('what it tells of is enough to go on from', async () => {
  const states: DeviceState[] = []
  const store = new MemoryStore(undefined, (state) => states.push(structuredClone(state)))
  const { seq: _, ...row } = pendingOf(1)
  await store.atomically(async (tx) => {
    await tx.outbox.add(row)
    await tx.meta.put({ key: 'clock', value: 1 })
  })
  await store.meta.get('clock')
  expect(states).toHaveLength(1)
  const next = new MemoryStore(states[0])
  expect(await next.outbox.toArray()).toEqual(await store.outbox.toArray())
  expect(await next.outbox.add(pendingOf(2, { seq: 0 }))).toBe(2)
})
