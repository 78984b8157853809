import type { DeviceStore } from '../client/device-store.ts'
import { pendingOf } from './pending.ts'

/** What is asked of every device store, on an empty one each. A promise that breaks rejects, and says how. */
export const DEVICE_STORE_CONTRACT: Readonly<Record<string, (store: DeviceStore) => Promise<void>>> = {
  'numbers rows as they come, and gives no number twice': async (store) => {
    const numbers = [await store.outbox.add(rowOf(1)), await store.outbox.add(rowOf(2))]
    await store.outbox.bulkDelete(numbers)
    numbers.push(await store.outbox.add(rowOf(3)))
    equal(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
    )
    equal(await store.outbox.count(), 1)
  },
  'finds a row by number and by id, and says when there is none': async (store) => {
    const seq = await store.outbox.add(rowOf(1))
    equal((await store.outbox.get(seq))?.id, rowOf(1).id)
    equal((await store.outbox.get({ id: rowOf(1).id }))?.seq, seq)
    equal([await store.outbox.get(seq + 1), await store.outbox.get({ id: 'none' })], [undefined, undefined])
  },
  'lists rows by number, and others by key': async (store) => {
    for (const number of [2, 1, 3]) await store.outbox.add(rowOf(number))
    equal(
      (await store.outbox.toArray()).map(({ id }) => id),
      [2, 1, 3].map((number) => rowOf(number).id),
    )
    for (const key of ['b', 'a', 'c']) await store.meta.put({ key, value: key })
    equal(
      (await store.meta.toArray()).map(({ key }) => key),
      ['a', 'b', 'c'],
    )
  },
  'refuses a second row of one id': async (store) => {
    await store.outbox.add(rowOf(1))
    equal(await outcome(store.outbox.add(rowOf(1))), 'refused')
    equal(await store.outbox.count(), 1)
  },
  'changes what a change names, and nothing where nothing is': async (store) => {
    const seq = await store.outbox.add(rowOf(1))
    await store.outbox.update(seq, { lsn: '7' })
    await store.outbox.update(seq + 1, { lsn: '8' })
    equal(
      (await store.outbox.toArray()).map(({ id, lsn }) => [id, lsn]),
      [[rowOf(1).id, '7']],
    )
  },
  'replaces what is put again, and forgets what is deleted': async (store) => {
    await store.composer.put({ chat_id: 'a', text: 'one' })
    await store.composer.put({ chat_id: 'a', text: 'two' })
    equal(await store.composer.get('a'), { chat_id: 'a', text: 'two' })
    await store.composer.delete('a')
    equal([await store.composer.get('a'), await store.composer.count()], [undefined, 0])
  },
  'keeps copies': async (store) => {
    const row = rowOf(1, { args: { list: [1] } })
    const seq = await store.outbox.add(row)
    Object(row.args['list']).push(2)
    const read = await store.outbox.get(seq)
    Object(read?.args['list']).push(3)
    equal((await store.outbox.get(seq))?.args, { list: [1] })
  },
  'does a transaction whole or not at all': async (store) => {
    const kept = await store.outbox.add(rowOf(1))
    const work = store.atomically(async (tx) => {
      await tx.outbox.delete(kept)
      await tx.outbox.add(rowOf(2))
      await tx.meta.put({ key: 'clock', value: 1 })
      throw new Error('no')
    })
    equal(await outcome(work), 'refused')
    equal(
      (await store.outbox.toArray()).map(({ id }) => id),
      [rowOf(1).id],
    )
    equal(await store.meta.get('clock'), undefined)
  },
  'lets a transaction be part of another': async (store) => {
    const work = store.atomically(async (tx) => {
      await tx.atomically((inner) => inner.outbox.add(rowOf(1)))
      throw new Error('no')
    })
    equal(await outcome(work), 'refused')
    equal(await store.outbox.count(), 0)
  },
  'lets nobody see a transaction half done, and loses no count of two at once': async (store) => {
    const raise = () =>
      store.atomically(async (tx) => {
        const value = Number((await tx.meta.get('count'))?.value ?? 0)
        await tx.meta.put({ key: 'count', value: -1 })
        await tx.meta.put({ key: 'count', value: value + 1 })
      })
    const seen = await Promise.all([raise(), store.meta.get('count'), raise(), store.meta.get('count'), raise()])
    equal(
      seen.flatMap((row) => (row && Number(row.value) < 0 ? [row] : [])),
      [],
    )
    equal((await store.meta.get('count'))?.value, 3)
  },
}

/** The promises of the contract that a store breaks. */
export async function brokenPromises(newStore: () => Promise<DeviceStore>): Promise<string[]> {
  const broken: string[] = []
  for (const [promise, check] of Object.entries(DEVICE_STORE_CONTRACT)) {
    const store = await newStore()
    await check(store).catch((error: unknown) => broken.push(`${promise}: ${String(error)}`))
    store.close()
  }
  return broken
}

function rowOf(number: number, more: Parameters<typeof pendingOf>[1] = {}) {
  const { seq: _, ...row } = pendingOf(number, more)
  return row
}

function equal(one: unknown, other: unknown): void {
  const [got, wanted] = [one, other].map((value) => JSON.stringify(value))
  if (got !== wanted) throw new Error(`${got} instead of ${wanted}`)
}

async function outcome(work: Promise<unknown>): Promise<'done' | 'refused'> {
  return work.then(
    () => 'done',
    () => 'refused',
  )
}
