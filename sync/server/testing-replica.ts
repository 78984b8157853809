import { isChangeMessage, isControlMessage, type Message, type Row, type ShapeStream } from 'electric-sql'

/**
 * Applies a stream as a careful reader would, and notes everything that a correct log cannot contain: an insert of a
 * row that is there, a change of one that is not, a step back in the order of commits, a transaction without its end.
 */
export class StrictReplica {
  readonly rows = new Map<string, Row>()
  readonly faults: string[] = []
  refetches = 0
  /** Row messages so far. */
  changes = 0
  upToDate = false
  private lsn = 0n
  private open: bigint | undefined

  constructor(stream: ShapeStream<Row>) {
    stream.subscribe(
      (messages) => {
        for (const message of messages) this.accept(message)
      },
      (error) => this.faults.push(String(error)),
    )
  }

  private accept(message: Message<Row>): void {
    if (isControlMessage(message)) {
      if (message.headers.control === 'must-refetch') this.restart()
      if (message.headers.control === 'up-to-date') this.reachEnd(message.headers['global_last_seen_lsn'])
      return
    }
    if (!isChangeMessage(message)) return
    this.changes += 1
    const { operation, lsn, last } = message.headers
    if (typeof lsn === 'string') this.order(BigInt(lsn), last === true)
    const known = this.rows.has(message.key)
    if (operation === 'insert' && known) this.faults.push(`inserted twice: ${message.key}`)
    if (operation !== 'insert' && !known) this.faults.push(`${operation} of a row that is not there: ${message.key}`)
    if (operation === 'delete') this.rows.delete(message.key)
    else this.rows.set(message.key, { ...this.rows.get(message.key), ...message.value })
  }

  private order(lsn: bigint, last: boolean): void {
    if (lsn < this.lsn) this.faults.push(`${lsn} came after ${this.lsn}`)
    if (this.open !== undefined && this.open !== lsn) this.faults.push(`transaction ${this.open} had no end`)
    this.lsn = lsn
    this.open = last ? undefined : lsn
  }

  private reachEnd(seen: unknown): void {
    const lsn = typeof seen === 'string' ? BigInt(seen) : -1n
    if (lsn < this.lsn) this.faults.push(`up to date at ${String(seen)}, behind ${this.lsn}`)
    if (this.open !== undefined) this.faults.push(`up to date inside transaction ${this.open}`)
    this.lsn = lsn
    this.upToDate = true
  }

  private restart(): void {
    this.rows.clear()
    this.refetches += 1
    this.open = undefined
    this.upToDate = false
  }
}
