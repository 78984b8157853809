import {
  closeSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  read as readFile,
  readSync,
  statSync,
  unlinkSync,
  writev,
} from 'node:fs'
import { mkdir, open, readdir } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'

/** Bytes in the log: `at` counts from the start of the segment's file. */
export interface Place {
  segment: number
  at: number
  length: number
}

export interface FrameLogOptions {
  directory: string
  /** A segment that has grown to this many bytes is closed. */
  segmentSize: number
  /** Said once, when a write has failed: nothing appended since then is durable. */
  onFailure: (error: Error) => void
}

interface Frame {
  segment: number
  /** Where the payload begins in the segment. */
  at: number
  payload: Buffer
}

interface Queued extends Frame {
  onDurable: (() => void) | undefined
}

interface Segment {
  file: string
  fd: number
  size: number
}

/** Before each payload: its length and its CRC-32, both big-endian. */
const HEADER_BYTES = 8
/** The newest frames stay in memory: what has just been written is what readers ask for. */
const RECENT_BYTES = 4 * 1024 * 1024
/** A frame bigger than this is not kept in memory: a snapshot must not push out what live readers ask for. */
const RECENT_FRAME_BYTES = RECENT_BYTES / 4
/** One read of the disk may fetch this much, with gaps this wide that nobody asked for. */
const READ_BYTES = 1024 * 1024
const GAP_BYTES = 16 * 1024
/** A file that was deleted stays open this long for readers who know a place in it. */
const LINGER_MS = 60_000

const writeAll = promisify(writev)
const sync = promisify(fdatasync)
const readAt = promisify(readFile)

/**
 * An append-only log of frames in numbered segment files. A frame is written as a whole: after a crash it is there or
 * it is not. Appended frames become durable in order, one `fdatasync` for all that came together.
 */
export class FrameLog {
  private readonly options: FrameLogOptions
  private readonly segments = new Map<number, Segment>()
  /** Deleted, but still open. */
  private readonly leaving = new Map<number, Segment>()
  private head = 0
  private queue: Queued[] = []
  private recent: Frame[] = []
  private recentBytes = 0
  private flushing: Promise<void> | undefined
  private failure: Error | undefined
  private closed = false

  private constructor(options: FrameLogOptions) {
    this.options = options
  }

  /** Opens the log and hands over every whole frame, oldest first. What a crash left half written is cut off. */
  static async open(options: FrameLogOptions, visit: (payload: Buffer, segment: number, at: number) => void) {
    const log = new FrameLog(options)
    await mkdir(options.directory, { recursive: true, mode: 0o700 })
    const names = (await readdir(options.directory)).filter((name) => /^\d{8}\.log$/.test(name)).sort()
    // A segment is made when the one before is spoken for, and written to when that is durable: it may be empty.
    const end = names.findLast((name) => statSync(path.join(options.directory, name)).size > 0)
    try {
      for (const name of names) await log.load(Number.parseInt(name, 10), end === undefined || name >= end, visit)
    } catch (error) {
      await log.close()
      throw error
    }
    return log
  }

  /** Bytes in all segments. */
  get size(): number {
    let size = 0
    for (const segment of this.segments.values()) size += segment.size
    return size
  }

  /** Numbers of the segments, oldest first; the last one is written to. */
  get segmentNumbers(): number[] {
    return [...this.segments.keys()]
  }

  sizeOf(segment: number): number {
    return this.segments.get(segment)?.size ?? 0
  }

  /** Takes a frame; `onDurable` is called when it is on the disk, in the order of frames. Returns where its payload begins. */
  append(parts: readonly Buffer[], onDurable?: () => void): { segment: number; at: number } {
    const payload = Buffer.concat(parts)
    const segment = this.headWithRoom()
    // Nobody will hear of this frame again: what is not durable is never shown.
    if (!segment) return { segment: 0, at: 0 }
    const at = segment.size + HEADER_BYTES
    segment.size = at + payload.length
    this.queue.push({ segment: this.head, at, payload, onDurable })
    this.flushing ??= this.flush()
    return { segment: this.head, at }
  }

  /** Settles when all that was appended so far is durable; rejects when it cannot be. */
  async settled(): Promise<void> {
    while (this.flushing) await this.flushing
    if (this.failure) throw this.failure
  }

  /** The bytes of places in the order of the log; at once when they are all among the newest. */
  read(places: readonly Place[]): Buffer[] | Promise<Buffer[]> {
    const found: Buffer[] = []
    for (const place of places) {
      const frame = this.recentFrame(place)
      if (!frame) return this.readFromDisk(places)
      found.push(frame.payload.subarray(place.at - frame.at, place.at - frame.at + place.length))
    }
    return found
  }

  /** Deletes a segment. Who has a place in it can go on reading for a minute. */
  drop(number: number): void {
    const segment = this.segments.get(number)
    if (!segment) return
    this.segments.delete(number)
    this.leaving.set(number, segment)
    unlinkSync(segment.file)
    setTimeout(() => this.letGo(number), LINGER_MS).unref()
  }

  /** Writes what is still waiting, and closes the files. */
  async close(): Promise<void> {
    this.closed = true
    await this.settled().catch(() => undefined)
    for (const number of this.leaving.keys()) this.letGo(number)
    for (const segment of this.segments.values()) closeSync(segment.fd)
    this.segments.clear()
  }

  private letGo(number: number): void {
    const segment = this.leaving.get(number)
    if (this.leaving.delete(number) && segment) closeSync(segment.fd)
  }

  private async load(
    number: number,
    mayBeCut: boolean,
    visit: (payload: Buffer, segment: number, at: number) => void,
  ): Promise<void> {
    const file = this.fileOf(number)
    const fd = openSync(file, 'r+')
    const segment = { file, fd, size: 0 }
    this.segments.set(number, segment)
    this.head = number
    const { size } = fstatSync(fd)
    while (segment.size + HEADER_BYTES <= size) {
      const payload = readFrame(fd, segment.size, size)
      if (!payload) break
      visit(payload, number, segment.size + HEADER_BYTES)
      segment.size += HEADER_BYTES + payload.length
    }
    if (segment.size === size) return
    if (!mayBeCut) throw new Error(`${path.basename(file)} is damaged at byte ${segment.size}`)
    ftruncateSync(fd, segment.size)
    await sync(fd)
  }

  private headWithRoom(): Segment | undefined {
    if (this.failure) return undefined
    const head = this.segments.get(this.head)
    if (head && head.size < this.options.segmentSize) return head
    const file = this.fileOf(this.head + 1)
    try {
      const made = { file, fd: openSync(file, 'w+', 0o600), size: 0 }
      this.head += 1
      this.segments.set(this.head, made)
      return made
    } catch (error) {
      this.fail(error)
      return undefined
    }
  }

  private fail(error: unknown): void {
    if (this.failure) return
    const failure = error instanceof Error ? error : new Error(String(error))
    this.failure = failure
    this.queue = []
    if (!this.closed) queueMicrotask(() => this.options.onFailure(failure))
  }

  private fileOf(number: number): string {
    return path.join(this.options.directory, `${String(number).padStart(8, '0')}.log`)
  }

  private async flush(): Promise<void> {
    // What else is appended in this turn of the event loop comes along.
    await Promise.resolve()
    try {
      while (this.queue.length > 0 && !this.failure) {
        const batch = this.queue
        this.queue = []
        await this.write(batch)
        for (const frame of batch) {
          this.remember(frame)
          frame.onDurable?.()
        }
      }
    } catch (error) {
      this.fail(error)
    } finally {
      this.flushing = undefined
    }
  }

  private async write(batch: readonly Queued[]): Promise<void> {
    for (const frames of bySegment(batch)) {
      const [first] = frames
      const segment = first && this.segments.get(first.segment)
      if (!segment) throw new Error('a frame belongs to no segment')
      const buffers = frames.flatMap(({ payload }) => [headerOf(payload), payload])
      const start = first.at - HEADER_BYTES
      const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0)
      const { bytesWritten } = await writeAll(segment.fd, buffers, start)
      if (bytesWritten !== length) throw new Error(`the disk took ${bytesWritten} of ${length} bytes`)
      await sync(segment.fd)
      if (start === 0) await this.syncDirectory()
    }
  }

  /** A new file is only there after a crash when its directory is on the disk too. */
  private async syncDirectory(): Promise<void> {
    if (process.platform === 'win32') return
    const handle = await open(this.options.directory, 'r')
    await handle.sync()
    await handle.close()
  }

  private remember(frame: Frame): void {
    if (frame.payload.length > RECENT_FRAME_BYTES) return
    this.recent.push(frame)
    this.recentBytes += frame.payload.length
    let gone = 0
    while (this.recentBytes > RECENT_BYTES && gone < this.recent.length) {
      this.recentBytes -= this.recent[gone]?.payload.length ?? 0
      gone += 1
    }
    if (gone > 0) this.recent = this.recent.slice(gone)
  }

  private recentFrame({ segment, at, length }: Place): Frame | undefined {
    let low = 0
    let high = this.recent.length
    while (low < high) {
      const middle = (low + high) >> 1
      const frame = this.recent[middle]
      if (frame && (frame.segment < segment || (frame.segment === segment && frame.at <= at))) low = middle + 1
      else high = middle
    }
    const frame = this.recent[low - 1]
    return frame?.segment === segment && at + length <= frame.at + frame.payload.length ? frame : undefined
  }

  private async readFromDisk(places: readonly Place[]): Promise<Buffer[]> {
    const found: Buffer[] = []
    for (let first = 0; first < places.length;) {
      const run = runFrom(places, first)
      const segment = this.segments.get(run.segment) ?? this.leaving.get(run.segment)
      if (!segment) throw new Error('a place in the log is gone')
      const bytes = Buffer.allocUnsafe(run.end - run.start)
      const { bytesRead } = await readAt(segment.fd, bytes, 0, bytes.length, run.start)
      if (bytesRead !== bytes.length) throw new Error('the log ends early')
      for (const { at, length } of places.slice(first, run.next))
        found.push(bytes.subarray(at - run.start, at - run.start + length))
      first = run.next
    }
    return found
  }
}

function headerOf(payload: Buffer): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES)
  header.writeUInt32BE(payload.length, 0)
  header.writeUInt32BE(crc32(payload), 4)
  return header
}

/** The payload of the frame at `at`; undefined when it is not whole. */
function readFrame(fd: number, at: number, size: number): Buffer | undefined {
  const header = Buffer.allocUnsafe(HEADER_BYTES)
  readSync(fd, header, 0, HEADER_BYTES, at)
  const length = header.readUInt32BE(0)
  if (length === 0 || at + HEADER_BYTES + length > size) return undefined
  const payload = Buffer.allocUnsafe(length)
  readSync(fd, payload, 0, length, at + HEADER_BYTES)
  return crc32(payload) === header.readUInt32BE(4) ? payload : undefined
}

function bySegment(batch: readonly Queued[]): Queued[][] {
  const groups: Queued[][] = []
  for (const frame of batch) {
    const last = groups.at(-1)
    if (last && last[0]?.segment === frame.segment) last.push(frame)
    else groups.push([frame])
  }
  return groups
}

/** Neighbouring places from `first` on that one read can fetch. */
function runFrom(
  places: readonly Place[],
  first: number,
): { segment: number; start: number; end: number; next: number } {
  const { segment, at: start, length } = places[first] ?? { segment: 0, at: 0, length: 0 }
  let end = start + length
  let next = first + 1
  for (let place = places[next]; place; place = places[next]) {
    const near = place.segment === segment && place.at >= end && place.at - end <= GAP_BYTES
    if (!near || place.at + place.length - start > READ_BYTES) break
    end = place.at + place.length
    next += 1
  }
  return { segment, start, end, next }
}
