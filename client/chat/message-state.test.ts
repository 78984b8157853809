import { describe, expect, it } from 'vitest'
import { answerState, answerText, type AnswerSurroundings } from './message-state.ts'

const row = { id: 'a', status: 'sending', workflow_status: 'queued', content: '', parent_message_id: 'q' } as const
const around = (more: Partial<AnswerSurroundings> = {}): AnswerSurroundings => ({
  run: undefined,
  pending: new Set(),
  before: undefined,
  ...more,
})

describe('the state of an answer', () => {
  it('is unsent while its question waits on this device', () => {
    expect(answerState(row, around({ pending: new Set(['a']) }))).toBe('unsent')
  })

  it('is behind while the answer before it is being written', () => {
    expect(answerState(row, around({ before: { status: 'sending' } }))).toBe('behind')
    expect(answerState(row, around({ before: { status: 'sent' } }))).toBe('thinking')
  })

  it('is writing as soon as there is something to read', () => {
    expect(answerState(row, around({ run: { text: '你', ended: undefined } }))).toBe('writing')
  })

  it('is away while the server cannot be reached, whatever there is to read', () => {
    expect(answerState(row, around({ offline: true }))).toBe('away')
    expect(answerState(row, around({ offline: true, run: { text: '你', ended: undefined } }))).toBe('away')
    expect(answerState(row, around({ offline: true, pending: new Set(['a']) }))).toBe('unsent')
    expect(answerState({ ...row, status: 'sent' }, around({ offline: true }))).toBe('done')
  })

  it('tells a stop from a failure', () => {
    expect(answerState({ ...row, status: 'sent', workflow_status: 'cancelled' }, around())).toBe('stopped')
    expect(answerState({ ...row, status: 'failed', workflow_status: 'failed' }, around())).toBe('failed')
  })

  it('keeps the longer of stream and row while writing, and the row afterwards', () => {
    expect(answerText({ status: 'sending', content: '一' }, { text: '一二' })).toBe('一二')
    expect(answerText({ status: 'sending', content: '一二三' }, { text: '一' })).toBe('一二三')
    expect(answerText({ status: 'sent', content: '完' }, { text: '一二三' })).toBe('完')
  })
})
