import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { decodeMessage, type ReplicationMessage } from './pgoutput.ts'
import { parseLsn } from './lsn.ts'
import { VALUE_FORMAT } from './session-settings.ts'

export interface ReplicationStreamOptions {
  databaseUrl: string
  publication: string
  /** The slot exists from here on: every transaction that commits later will come. */
  onStart: (consistentPoint: bigint) => void
  onMessage: (message: ReplicationMessage, bytes: number) => void
}

/** Microseconds from the Unix epoch to 2000-01-01, where Postgres' clock begins. */
const POSTGRES_EPOCH = 946_684_800_000_000n
const STATUS_EVERY_MS = 10_000
/** Each status asks for an answer; a connection that gives none for this long is dead. */
const SILENCE_MS = 35_000

/**
 * One replication connection with a temporary slot of its own, from connecting to its end (streaming replication
 * protocol, PostgreSQL documentation). `closed` settles when the connection is gone: with an error unless
 * `stop()` was called.
 */
export class ReplicationStream {
  readonly closed: Promise<void>
  private readonly client: pg.Client
  private readonly options: ReplicationStreamOptions
  private timer: NodeJS.Timeout | undefined
  private lastHeard = Date.now()
  private received = 0n
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

  /** Ends the connection, and with it the slot. */
  stop(): void {
    this.stopping = true
    this.client.connection.stream.destroy()
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
      const slot = `banyan_${process.pid}_${randomBytes(4).toString('hex')}`
      const created = await this.client.query<{ consistent_point: string }>(
        `CREATE_REPLICATION_SLOT ${slot} TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT`,
      )
      this.received = parseLsn(created.rows[0]?.consistent_point ?? '0/0')
      this.client.connection.on('copyData', (message: { chunk: Buffer }) => this.receive(message.chunk))
      this.timer = setInterval(() => this.beat(), STATUS_EVERY_MS)
      const publication = pg.escapeLiteral(pg.escapeIdentifier(this.options.publication))
      const streaming = this.client.query(
        `START_REPLICATION SLOT ${slot} LOGICAL 0/0 (proto_version '1', publication_names ${publication})`,
      )
      this.options.onStart(this.received)
      await Promise.race([streaming, ended])
      if (!this.stopping) throw new Error('the replication stream ended')
    } catch (error) {
      if (!this.stopping) throw error
    } finally {
      clearInterval(this.timer)
      this.client.connection.stream.destroy()
    }
  }

  /** Without it the stream would start, and fail at the first change. */
  private async needPublication(): Promise<void> {
    const { publication } = this.options
    const found = await this.client.query(`select from pg_publication where pubname = ${pg.escapeLiteral(publication)}`)
    if (found.rowCount === 0) throw new Error(`the publication "${publication}" does not exist: run the migrations`)
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
      this.options.onMessage(message, chunk.length)
      if (message.tag === 'commit') this.received = message.endLsn
    } catch (error) {
      // A message that we cannot read is a hole in the log: start over with a new slot rather than go on without it.
      this.client.connection.stream.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  }

  private receiveKeepAlive(chunk: Buffer): void {
    const end = chunk.readBigUInt64BE(1)
    // Whole transactions are applied as they arrive, so nothing before `end` is still on its way.
    if (end > this.received) this.received = end
    if (chunk[17] === 1) this.sendStatus(false)
  }

  private beat(): void {
    if (Date.now() - this.lastHeard > SILENCE_MS) {
      this.client.connection.stream.destroy(new Error('the database has been silent on the replication connection'))
      return
    }
    this.sendStatus(true)
  }

  /** Standby status update. The log is in memory, so what was received needs no flush. */
  private sendStatus(askForReply: boolean): void {
    const frame = Buffer.alloc(39)
    frame.write('d', 0)
    frame.writeInt32BE(38, 1)
    frame.write('r', 5)
    for (const at of [6, 14, 22]) frame.writeBigUInt64BE(this.received, at)
    frame.writeBigInt64BE(BigInt(Date.now()) * 1000n - POSTGRES_EPOCH, 30)
    frame[38] = askForReply ? 1 : 0
    this.client.connection.stream.write(frame)
  }
}
