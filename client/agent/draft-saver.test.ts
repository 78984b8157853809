import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { draftSaver } from './draft-saver.ts'

interface Fields {
  name: string
  prompt: string
}
beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function setUp(save: (set: Partial<Fields>) => Promise<unknown> = () => Promise.resolve()) {
  const saved: Partial<Fields>[] = []
  const bases: Partial<Fields>[] = []
  const row: Fields = { name: 'row', prompt: '' }
  const saver = draftSaver<Fields>({
    delay: 400,
    changed: () => undefined,
    shown: (field) => row[field],
    save: (set, base) => {
      saved.push(set)
      bases.push(base)
      return save(set)
    },
  })
  return { saver, saved, bases, row }
}

it('saves a field once it is still, and fields apart', async () => {
  const { saver, saved } = setUp()
  saver.set('name', 'a')
  await vi.advanceTimersByTimeAsync(300)
  saver.set('name', 'ab')
  saver.set('prompt', 'p')
  expect(saver.state()).toBe('saving')
  await vi.advanceTimersByTimeAsync(400)
  expect(saved).toEqual([{ name: 'ab' }, { prompt: 'p' }])
  expect(saver.state()).toBe('saved')
})

it('stays unsaved while a newer value waits', async () => {
  let finish: () => void = () => undefined
  const { saver, saved } = setUp(() => new Promise<void>((resolve) => (finish = resolve)))
  saver.set('name', 'a')
  await vi.advanceTimersByTimeAsync(400)
  saver.set('name', 'b')
  finish()
  await vi.advanceTimersByTimeAsync(1)
  expect(saver.dirty().has('name')).toBe(true)
  await vi.advanceTimersByTimeAsync(400)
  finish()
  await vi.advanceTimersByTimeAsync(1)
  expect(saved).toEqual([{ name: 'a' }, { name: 'b' }])
  expect(saver.state()).toBe('saved')
})

it('writes what waits when the page goes away', async () => {
  const { saver, saved } = setUp()
  saver.set('name', 'a')
  await saver.flush()
  expect(saved).toEqual([{ name: 'a' }])
})

it('keeps a refused value and says why', async () => {
  const { saver } = setUp(() => Promise.reject(new Error('too large')))
  saver.set('prompt', 'long')
  await vi.advanceTimersByTimeAsync(400)
  expect(saver.state()).toBe('failed')
  expect(saver.dirty().has('prompt')).toBe(true)
})

it('says what each save starts from: what was seen, then what was saved, then what is seen again', async () => {
  const { saver, bases, row } = setUp(() => new Promise((resolve) => setTimeout(resolve, 50)))
  saver.set('name', 'a')
  await vi.advanceTimersByTimeAsync(410)
  saver.set('name', 'ab')
  await vi.advanceTimersByTimeAsync(500)
  row.name = 'somebody else’s'
  saver.set('name', 'abc')
  await vi.advanceTimersByTimeAsync(500)
  expect(bases).toEqual([{ name: 'row' }, { name: 'a' }, { name: 'somebody else’s' }])
})

it('starts from the same again after a save that failed', async () => {
  let fail = true
  const { saver, bases } = setUp(() => (fail ? Promise.reject(new Error('no')) : Promise.resolve()))
  saver.set('name', 'a')
  await vi.advanceTimersByTimeAsync(400)
  fail = false
  saver.set('name', 'b')
  await vi.advanceTimersByTimeAsync(400)
  expect(bases).toEqual([{ name: 'row' }, { name: 'row' }])
})
