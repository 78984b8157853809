import { expect, it } from 'vitest'
import type { RunFrame } from '../../chat/index.ts'
import { RunMirror } from './run-mirror.ts'

const snapshot = (run: string, attempt = 1, text = ''): RunFrame => ({
  t: 'run.snapshot',
  run,
  chat: 'chat',
  message: 'message',
  attempt,
  seq: 0,
  text,
})
const text = (run: string, seq: number, words: string): RunFrame => ({ t: 'run.text', run, seq, text: words })
const of = (frame: RunFrame, hidden = false) => ({ user_id: 'anna', frame, hidden })

it('holds the text so far of what runs elsewhere, until its end', () => {
  const mirror = new RunMirror()
  expect(mirror.take('a', of(snapshot('r')))).toBe(true)
  expect(mirror.take('a', of(text('r', 1, 'Hel')))).toBe(true)
  expect(mirror.take('a', of(text('r', 2, 'lo')))).toBe(true)
  expect(mirror.snapshots('anna')).toMatchObject([{ run: 'r', seq: 2, text: 'Hello' }])
  expect(mirror.snapshots('boris')).toEqual([])
  expect(mirror.take('a', of({ t: 'run.end', run: 'r', status: 'completed' }))).toBe(true)
  expect(mirror.snapshots('anna')).toEqual([])
})

it('passes on no text of a run whose beginning nobody has seen', () => {
  expect(new RunMirror().take('a', of(text('r', 5, 'x')))).toBe(false)
})

it('believes the process that has the run now, not the one that had it', () => {
  const mirror = new RunMirror()
  mirror.take('a', of(snapshot('r', 1, 'old')))
  expect(mirror.take('b', of(snapshot('r', 2, 'new')))).toBe(true)
  expect(mirror.take('a', of(text('r', 1, ' words')))).toBe(false)
  expect(mirror.take('a', of(snapshot('r', 1, 'old words')))).toBe(false)
  expect(mirror.snapshots('anna')).toMatchObject([{ attempt: 2, text: 'new' }])
})

it('forgets what a process had that is no longer heard', () => {
  const mirror = new RunMirror()
  mirror.take('a', of(snapshot('r')))
  mirror.take('b', of(snapshot('s')))
  mirror.forget('a')
  expect(mirror.snapshots('anna')).toMatchObject([{ run: 's' }])
})

it('shows hidden runs to no device', () => {
  const mirror = new RunMirror()
  expect(mirror.take('a', of(snapshot('r'), true))).toBe(true)
  expect(mirror.snapshots('anna')).toEqual([])
})
