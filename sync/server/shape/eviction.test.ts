import { describe, expect, it } from 'vitest'
import { EntryIndex } from '../storage/entry-index.ts'
import { shapesToEvict } from './eviction.ts'
import { RowFormat } from './row-format.ts'
import { ShapeLog } from './shape-log.ts'
import { ShapeRegistry } from './shape-registry.ts'
import { DEFAULT_LIMITS } from './store-limits.ts'

const table = { oid: 1, schema: 'public', name: 'notes', columns: [], fullIdentity: true, published: true }
const format = new RowFormat(table, undefined, 'default')
const LIMITS = { ...DEFAULT_LIMITS, idleMs: 1_000, replacedMs: 100 }
const NOW = 1_000_000

/** A shape of a hundred bytes that was last read `ago` milliseconds before NOW. */
function shape(shapes: ShapeRegistry, number: number, id: string, ago: number): ShapeLog {
  const source = { schema: 'public', table: 'notes', replica: 'default', rows: { kind: 'all' } } as const
  const made = new ShapeLog(number, `h${number}`, { id, source, format, filter: { kind: 'all' } }, 0n, 1_000)
  const chunk = { segment: 1, at: 0, length: 100 }
  made.restore({ rows: 1, size: 100, completeTo: '0', visibility: null }, undefined, [chunk], new EntryIndex())
  made.lastReadAt = NOW - ago
  shapes.add(made)
  return made
}

function evicted(shapes: ShapeRegistry, limits: Partial<typeof LIMITS> = {}): number[] {
  const bytes = [...shapes.all()].reduce((sum, { size }) => sum + size, 0)
  return shapesToEvict(shapes, { ...LIMITS, ...limits }, bytes, NOW).map(({ number }) => number)
}

describe('shapes are let go', () => {
  it('when nobody has read them for long; a log that another has replaced sooner', () => {
    const shapes = new ShapeRegistry()
    shape(shapes, 1, 'a', 500)
    shape(shapes, 2, 'a', 500)
    shape(shapes, 3, 'b', 1_500)
    shape(shapes, 4, 'c', 50)
    expect(evicted(shapes)).toEqual([3, 1])
  })

  it('least recently read first, as many as there are too many or too big', () => {
    const shapes = new ShapeRegistry()
    for (const [number, ago] of [40, 10, 30, 20].entries()) shape(shapes, number, `d${number}`, ago)
    expect(evicted(shapes)).toEqual([])
    expect(evicted(shapes, { maxShapes: 3 })).toEqual([0])
    expect(evicted(shapes, { maxSize: 250 })).toEqual([0, 2])
    expect(evicted(shapes, { maxSize: 0 })).toEqual([0, 2, 3, 1])
  })

  it('never under a reader who waits, nor while they are made', async () => {
    const shapes = new ShapeRegistry()
    const read = shape(shapes, 1, 'a', 9_999)
    shape(shapes, 2, 'b', 9_999).state = 'loading'
    const gone = new AbortController()
    const waiting = read.wait(60_000, gone.signal)
    expect(evicted(shapes, { maxSize: 0 })).toEqual([])
    gone.abort()
    await waiting
    expect(evicted(shapes, { maxSize: 0 })).toEqual([1])
  })
})
