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
  const saver = draftSaver<Fields>({
    delay: 400,
    changed: () => undefined,
    save: (set) => {
      saved.push(set)
      return save(set)
    },
  })
  return { saver, saved }
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
