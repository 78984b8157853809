import fc from 'fast-check'
import { expect, test } from 'vitest'
import { reduceRun, type RunFrame, type RunText } from './run-overlay.ts'

const snapshot = (seq: number, text: string, attempt = 0): RunFrame => ({
  t: 'run.snapshot',
  run: 'r',
  chat: 'c',
  message: 'm',
  attempt,
  seq,
  text,
})
const text = (seq: number): RunFrame => ({ t: 'run.text', run: 'r', seq, text: `${seq};` })
const words = (upTo: number) => Array.from({ length: upTo }, (_, index) => `${index + 1};`).join('')
const play = (frames: RunFrame[], from?: RunText) =>
  frames.reduce<RunText | 'gap' | undefined>((run, frame) => (run === 'gap' ? run : reduceRun(run, frame, 0)), from)

test('frames seen twice or late change nothing', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 20 }),
      (count, repeats) => {
        const frames = Array.from({ length: count }, (_, index) => text(index + 1))
        const noisy = frames.flatMap((frame, index) => [frame, ...repeats.filter((seq) => seq <= index + 1).map(text)])
        expect(play([snapshot(0, ''), ...noisy])).toMatchObject({ text: words(count), seq: count })
      },
    ),
  )
})

test('a missing frame is a gap, a snapshot mends it', () => {
  const run = play([snapshot(0, ''), text(1)])
  expect(run === 'gap' ? run : reduceRun(run, text(3), 0)).toBe('gap')
  expect(play([snapshot(3, words(3)), text(4)])).toMatchObject({ text: words(4) })
})

test('text of an unknown run asks for its snapshot', () => {
  expect(reduceRun(undefined, text(1), 0)).toBe('gap')
})

test('steps open and close in order of start; a new attempt begins without them', () => {
  const node = (phase: 'start' | 'end'): RunFrame => ({ t: 'run.node', run: 'r', node: 'llm', phase })
  const run = play([snapshot(0, ''), node('start'), node('end'), node('start')])
  expect(run).toMatchObject({ node: 'llm', steps: [{ phase: 'end' }, { phase: 'start' }] })
  expect(play([snapshot(0, '', 1)], run === 'gap' ? undefined : run)).toMatchObject({ steps: [], attempt: 1 })
})
