import { describe, expect, it } from 'vitest'
import { SseReader } from './sse.ts'

const STREAM = ': hello\r\ndata: one\r\n\r\nevent: x\ndata: two\ndata: lines\n\ndata:three\n\nid: 4\n\ndata: cut'

describe('the SSE reader', () => {
  it('reads the same events wherever the reads cut', () => {
    for (let size = 1; size < STREAM.length; size += 1) {
      const reader = new SseReader()
      const events: string[] = []
      for (let at = 0; at < STREAM.length; at += size) events.push(...reader.read(STREAM.slice(at, at + size)))
      events.push(...reader.end())
      expect(events).toEqual(['one', 'two\nlines', 'three', 'cut'])
    }
  })
})
