import { ReplicationStream, type StreamEvents } from './replication-stream.ts'
import type { SlotKind } from './slot.ts'
import { TransactionAssembler, type TransactionPart } from './transaction.ts'
import type { RelationMessage } from './pgoutput.ts'
import type { SyncLog } from '../sync-log.ts'
import { explainReplicationFailure } from './explain-failure.ts'

export interface ReplicationReaderOptions extends Omit<StreamEvents, 'onMessage'> {
  databaseUrl: string
  publication: string
  slot: SlotKind
  log: SyncLog
  onPart: (part: TransactionPart) => void
  onRelation: (relation: RelationMessage) => void
  /** The connection is gone; what was not acknowledged will come again. */
  onLost: (reason: string) => void
}

const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 10_000

/** Keeps a replication stream open, with growing pauses after each loss. */
export class ReplicationReader {
  private readonly options: ReplicationReaderOptions
  private stream: ReplicationStream | undefined
  private loop: Promise<void> | undefined
  private wake: (() => void) | undefined
  private stopping = false
  /** The connection was good, and was broken off by `restart`: a new one would be as good, and broken off again. */
  private ownFault = false

  constructor(options: ReplicationReaderOptions) {
    this.options = options
  }

  start(): void {
    this.loop ??= this.run()
  }

  /** Breaks the connection off, to begin again after a pause that grows each time: the fault is on our side. */
  restart(reason: Error): void {
    this.ownFault = true
    this.stream?.fail(reason)
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
      const { databaseUrl, publication, slot, onConnect, onNewSlot, onProgress, acknowledged } = this.options
      const assembler = new TransactionAssembler(this.options.onPart, this.options.onRelation)
      this.stream = new ReplicationStream({
        databaseUrl,
        publication,
        slot,
        onConnect,
        onNewSlot,
        onProgress,
        acknowledged,
        onStart: () => {
          started = true
          this.options.onStart()
        },
        onMessage: (message, bytes) => assembler.accept(message, bytes),
      })
      const reason = await this.stream.closed.then(
        () => undefined,
        (error: unknown) => explainReplicationFailure(error),
      )
      if (this.stopping) return
      delay = started && !this.ownFault ? FIRST_DELAY_MS : Math.min(delay * 2, LONGEST_DELAY_MS)
      this.ownFault = false
      const again_ms = Math.round(delay * (0.5 + Math.random() / 2))
      this.options.log.warn({ event: 'sync.replication-lost', reason, again_ms }, 'replication lost')
      this.options.onLost(reason ?? 'the replication stream ended')
      await this.pause(again_ms)
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
