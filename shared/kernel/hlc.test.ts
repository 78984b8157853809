import { describe, expect, it } from 'vitest'
import { newerFields } from './field-clock.ts'
import { clampHlc, formatHlc, MAX_CLOCK_LEAD_MS, parseHlc, tick } from './hlc.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')
const HOUR = 60 * 60_000

describe('a hybrid logical clock', () => {
  it('never runs backwards, though the wall clock does', () => {
    let clock = { ms: 0, counter: 0 }
    let before = ''
    for (const now of [NOW, NOW, NOW - HOUR, NOW + 1, NOW - 1]) {
      clock = tick(clock, now)
      const text = formatHlc(clock, 'a')
      expect(text > before).toBe(true)
      before = text
    }
  })

  it('is taken as it is up to five minutes ahead, and no further', () => {
    const ahead = formatHlc({ ms: NOW + MAX_CLOCK_LEAD_MS, counter: 3 }, 'a')
    expect(clampHlc(ahead, NOW)).toBe(ahead)
    expect(clampHlc(formatHlc({ ms: NOW + HOUR, counter: 3 }, 'a'), NOW)).toBe(
      formatHlc({ ms: NOW + MAX_CLOCK_LEAD_MS, counter: 0xffff }, 'a'),
    )
    expect(parseHlc('later')).toBeUndefined()
  })
})

describe('a device whose clock is an hour ahead', () => {
  it('keeps its last word, though the server takes in both words within one millisecond', () => {
    let clock = { ms: 0, counter: 0 }
    let row: Record<string, unknown> = { title: 'none', field_clock: {} }
    // the counter falls back to zero as the wall clock goes on
    for (const [title, now] of [
      ['first', NOW + HOUR],
      ['second', NOW + HOUR],
      ['third', NOW + HOUR + 1],
    ] as const) {
      clock = tick(clock, now)
      row = { ...row, ...newerFields(row, { title }, clampHlc(formatHlc(clock, 'a'), NOW) ?? '') }
      expect(row['title']).toBe(title)
    }
  })
})
