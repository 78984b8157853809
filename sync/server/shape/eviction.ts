import type { ShapeLog } from './shape-log.ts'
import type { ShapeRegistry } from './shape-registry.ts'
import type { StoreLimits } from './store-limits.ts'

/** Shapes to let go: those that nobody reads any more; then, while there is too much of all, the least recently read. */
export function shapesToEvict(
  shapes: ShapeRegistry,
  { maxSize, maxShapes, idleMs, replacedMs }: StoreLimits,
  bytes: number,
  now: number,
): ShapeLog[] {
  let size = bytes
  let count = shapes.size
  const resting = [...shapes.all()].filter(({ waiting, state }) => waiting === 0 && state === 'ready')
  resting.sort((a, b) => a.lastReadAt - b.lastReadAt)
  return resting.filter((shape) => {
    const tooMuch = size > maxSize || count > maxShapes
    if (!tooMuch && now - shape.lastReadAt < (shapes.isCurrent(shape) ? idleMs : replacedMs)) return false
    size -= shape.size
    count -= 1
    return true
  })
}
