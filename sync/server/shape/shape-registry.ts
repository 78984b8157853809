import type { RowChange } from '../replication/transaction.ts'
import { Router, type Emit } from './router.ts'
import type { ShapeDefinition } from './shape-definition.ts'
import type { ShapeLog } from './shape-log.ts'

/** The shapes that there are: by handle, by what they hold, and by the changes that concern them. */
export class ShapeRegistry {
  /** Of several logs of one definition the newest: by the definition's id. */
  private readonly newest = new Map<string, ShapeLog>()
  private readonly byHandle = new Map<string, ShapeLog>()
  private readonly router = new Router()

  get size(): number {
    return this.byHandle.size
  }

  all(): Iterable<ShapeLog> {
    return this.byHandle.values()
  }

  add(shape: ShapeLog): void {
    this.newest.set(shape.definition.id, shape)
    this.byHandle.set(shape.handle, shape)
    this.router.add(shape)
  }

  /** Says whether the shape was there. */
  remove(shape: ShapeLog): boolean {
    if (this.byHandle.get(shape.handle) !== shape) return false
    this.byHandle.delete(shape.handle)
    if (this.newest.get(shape.definition.id) === shape) this.newest.delete(shape.definition.id)
    this.router.remove(shape)
    return true
  }

  named(handle: string): ShapeLog | undefined {
    return this.byHandle.get(handle)
  }

  /** The log that new readers of a definition use. */
  current(definition: ShapeDefinition): ShapeLog | undefined {
    return this.newest.get(definition.id)
  }

  isCurrent(shape: ShapeLog): boolean {
    return this.newest.get(shape.definition.id) === shape
  }

  ofTable(oid: number): ShapeLog[] {
    return this.router.shapesOf(oid)
  }

  /** All logs of a definition, oldest first. */
  logsOf({ id, format }: ShapeDefinition): ShapeLog[] {
    return this.ofTable(format.table.oid)
      .filter((shape) => shape.definition.id === id)
      .sort((a, b) => a.number - b.number)
  }

  /** Tells `emit` of the shapes that a change may concern. */
  route(change: RowChange, emit: Emit): void {
    this.router.route(change, emit)
  }
}
