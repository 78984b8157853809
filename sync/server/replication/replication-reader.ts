import { ReplicationStream } from './replication-stream.ts'
import { TransactionAssembler, type Transaction } from './transaction.ts'
import type { RelationMessage } from './pgoutput.ts'
import type { SyncLog } from '../sync-log.ts'
import { explainReplicationFailure } from './explain-failure.ts'

export interface ReplicationReaderOptions {
  databaseUrl: string
  publication: string
  log: SyncLog
  /** A slot is up; nothing that commits after `consistentPoint` will be missed until `onLost`. */
  onStart: (consistentPoint: bigint) => void
  onTransaction: (transaction: Transaction) => void
  onRelation: (relation: RelationMessage) => void
  /** The slot is gone, and with it the continuity of every log. */
  onLost: (reason: string) => void
}

const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 10_000

/** Keeps a replication stream open, with a new slot and growing pauses after each loss. */
export class ReplicationReader {
  private readonly options: ReplicationReaderOptions
  private stream: ReplicationStream | undefined
  private loop: Promise<void> | undefined
  private wake: (() => void) | undefined
  private stopping = false

  constructor(options: ReplicationReaderOptions) {
    this.options = options
  }

  start(): void {
    this.loop ??= this.run()
  }

  async stop(): Promise<void> {
    this.stopping = true
    this.stream?.stop()
    this.wake?.()
    await this.loop
  }

  private async run(): Promise<void> {
    let delay = FIRST_DELAY_MS
    while (!this.stopping) {
      let started = false
      const assembler = new TransactionAssembler(this.options.onTransaction, this.options.onRelation)
      this.stream = new ReplicationStream({
        databaseUrl: this.options.databaseUrl,
        publication: this.options.publication,
        onStart: (point) => {
          started = true
          this.options.onStart(point)
        },
        onMessage: (message, bytes) => assembler.accept(message, bytes),
      })
      const reason = await this.stream.closed.then(
        () => undefined,
        (error: unknown) => explainReplicationFailure(error),
      )
      if (this.stopping) return
      this.options.log.warn({ event: 'sync.replication-lost', reason }, 'replication lost')
      this.options.onLost(reason ?? 'the replication stream ended')
      delay = started ? FIRST_DELAY_MS : Math.min(delay * 2, LONGEST_DELAY_MS)
      await this.pause(delay * (0.5 + Math.random() / 2))
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
