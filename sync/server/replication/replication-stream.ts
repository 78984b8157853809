import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { decodeMessage, type ReplicationMessage } from './pgoutput.ts'
import { VALUE_FORMAT } from './session-settings.ts'
import { findSlot, makeSlot, type SlotFacts, type SlotKind } from './slot.ts'

export interface StreamEvents {
  /**
   * Connected, and nothing has been streamed yet. Says whether the log can go on from the slot's place; if not, the slot
   * is made anew.
   */
  onConnect: (facts: SlotFacts) => Promise<boolean>
  /** The slot is new: every transaction that commits from here on will come, and none from before. */
  onNewSlot: (consistentPoint: bigint) => Promise<void>
  /** Streaming begins. */
  onStart: () => void
  onMessage: (message: ReplicationMessage, bytes: number) => void
  /** Everything that commits before `end` has come. */
  onProgress: (end: bigint) => void
  /** Up to here the database may forget its log. */
  acknowledged: () => bigint
}

export interface ReplicationStreamOptions extends StreamEvents {
  databaseUrl: string
  publication: string
  slot: SlotKind
}

/** Microseconds from the Unix epoch to 2000-01-01, where Postgres' clock begins. */
const POSTGRES_EPOCH = 946_684_800_000_000n
const STATUS_EVERY_MS = 10_000
/** Each status asks for an answer; a connection that gives none for this long is dead. */
const SILENCE_MS = 35_000

/**
 * One replication connection, from connecting to its end (streaming replication protocol, PostgreSQL documentation).
 * `closed` settles when the connection is gone: with an error unless `stop()` was called.
 */
export class ReplicationStream {
  readonly closed: Promise<void>
  private readonly client: pg.Client
  private readonly options: ReplicationStreamOptions
  private timer: NodeJS.Timeout | undefined
  private lastHeard = Date.now()
  private inTransaction = false
  private streaming = false
  private stopping = false

  constructor(options: ReplicationStreamOptions) {
    this.options = options
    const config: pg.ClientConfig & { replication: 'database' } = {
      connectionString: options.databaseUrl,
      replication: 'database',
      application_name: 'banyan-sync',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
    }
    this.client = new pg.Client(config)
    this.closed = this.run()
    // The owner awaits `closed`; an early failure must not count as unhandled before it does.
    this.closed.catch(() => undefined)
  }

  /** Ends the connection on purpose. */
  stop(): void {
    if (this.streaming) this.sendStatus(false)
    this.stopping = true
    this.client.connection.stream.destroy()
  }

  /** Ends the connection with a reason, as if it had broken. */
  fail(reason: Error): void {
    this.client.connection.stream.destroy(reason)
  }

  private async run(): Promise<void> {
    const ended = new Promise<void>((resolve, reject) => {
      this.client.on('error', reject)
      this.client.on('end', resolve)
    })
    ended.catch(() => undefined)
    try {
      await this.client.connect()
      await this.client.query(VALUE_FORMAT)
      await this.needPublication()
      const slot = await this.needSlot()
      this.client.connection.on('copyData', (message: { chunk: Buffer }) => this.receive(message.chunk))
      this.timer = setInterval(() => this.beat(), STATUS_EVERY_MS)
      const publication = pg.escapeLiteral(pg.escapeIdentifier(this.options.publication))
      const streaming = this.client.query(
        `START_REPLICATION SLOT ${slot} LOGICAL 0/0 (proto_version '1', publication_names ${publication})`,
      )
      this.client.connection.once('replicationStart', () => this.begin())
      await Promise.race([streaming, ended])
      if (!this.stopping) throw new Error('the replication stream ended')
    } catch (error) {
      if (!this.stopping) throw error
    } finally {
      this.streaming = false
      clearInterval(this.timer)
      this.client.connection.stream.destroy()
    }
  }

  private begin(): void {
    this.streaming = true
    this.lastHeard = Date.now()
    this.options.onStart()
    // The answer says how far the server is, also when it has nothing to send.
    this.sendStatus(true)
  }

  /** Without it the stream would start, and fail at the first change. */
  private async needPublication(): Promise<void> {
    const { publication } = this.options
    const found = await this.client.query(`select from pg_publication where pubname = ${pg.escapeLiteral(publication)}`)
    if (found.rowCount === 0) throw new Error(`the publication "${publication}" does not exist: run the migrations`)
  }

  private async needSlot(): Promise<string> {
    const { slot, publication, onConnect, onNewSlot } = this.options
    const facts = await findSlot(this.client, publication)
    const temporary = slot === 'temporary'
    const name = temporary ? `banyan_${process.pid}_${randomBytes(4).toString('hex')}` : facts.name
    const goesOn = await onConnect(temporary ? { ...facts, confirmed: undefined } : facts)
    if (!goesOn) await onNewSlot(await makeSlot(this.client, name, slot))
    return name
  }

  private receive(chunk: Buffer): void {
    if (this.stopping) return
    this.lastHeard = Date.now()
    const kind = chunk[0]
    if (kind === 0x77) this.receiveData(chunk)
    else if (kind === 0x6b) this.receiveKeepAlive(chunk)
  }

  private receiveData(chunk: Buffer): void {
    try {
      // 25 bytes before the message: 'w', start of the data, end of the log, clock.
      const message = decodeMessage(chunk.subarray(25))
      if (message.tag === 'begin') this.inTransaction = true
      else if (message.tag === 'commit') this.inTransaction = false
      this.options.onMessage(message, chunk.length)
    } catch (error) {
      // A message that we cannot read is a hole in the log: rather come back than go on without it.
      this.fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  private receiveKeepAlive(chunk: Buffer): void {
    // The server sends in order: what commits before `end` has come, unless we are in the middle of a transaction.
    if (!this.inTransaction) this.options.onProgress(chunk.readBigUInt64BE(1))
    if (chunk[17] === 1) this.sendStatus(false)
  }

  private beat(): void {
    if (Date.now() - this.lastHeard > SILENCE_MS) {
      this.fail(new Error('the database has been silent on the replication connection'))
      return
    }
    if (this.streaming) this.sendStatus(true)
  }

  /** Standby status update: what is acknowledged as flushed will not be sent again. */
  private sendStatus(askForReply: boolean): void {
    const frame = Buffer.alloc(39)
    frame.write('d', 0)
    frame.writeInt32BE(38, 1)
    frame.write('r', 5)
    for (const at of [6, 14, 22]) frame.writeBigUInt64BE(this.options.acknowledged(), at)
    frame.writeBigInt64BE(BigInt(Date.now()) * 1000n - POSTGRES_EPOCH, 30)
    frame[38] = askForReply ? 1 : 0
    this.client.connection.stream.write(frame)
  }
}
