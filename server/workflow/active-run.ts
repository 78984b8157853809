import type { PlannedNode } from '../../shared/workflow/plan.ts'
import type { RunSnapshotFrame, ServerFrame } from '../../sync/protocol/socket.ts'
import type { RunSetting } from './executors/executor.ts'
import type { CheckpointWrite, Durability, EngineScope, Fence } from './engine/index.ts'
import type { RunInput } from './ports.ts'
import type { NodeRecord } from './run-node.ts'
import type { Past } from './run-queue.repository.ts'
import type { WorkerDeps } from './worker-contract.ts'

/** Why a run is made to stop before its graph has ended. */
export type StopReason = 'cancelled' | 'timed-out' | 'lost' | 'drained'

/**
 * One attempt of a run in this process: its text so far, its records, and the signal that stops it.
 *
 * ```
 * loading ──► at work ──► ending ──► gone
 *    └──────────┴── stop(reason): cancelled, timed-out → ending · drained → handed back · lost → gone, nothing written
 * ```
 */
export class ActiveRun implements EngineScope {
  readonly fence: Fence
  readonly user_id: string
  readonly past: Past
  readonly started_at = new Date()
  readonly #emit: WorkerDeps['emit']
  readonly #controller = new AbortController()
  readonly records: NodeRecord[] = []
  #stopped: StopReason | undefined
  pending_checkpoint: CheckpointWrite | undefined
  kept_nodes: ReadonlySet<string> = new Set()
  input: RunInput | undefined
  durability: Durability = 'exit'
  text = ''
  /** Text frames sent in this attempt. */
  seq = 0
  /** Characters of `text` that are in `run_partials`. */
  kept = 0
  demo = false
  /** No device may see it; true until the run is loaded and says otherwise. */
  hidden = true
  /** Its end is being written. */
  ending = false
  #node: string | undefined
  /** The one node whose text the person sees growing. */
  #voice: string | undefined
  #setting: RunSetting | undefined

  constructor(fence: Fence, user_id: string, past: Past, emit: WorkerDeps['emit']) {
    this.fence = fence
    this.past = past
    this.user_id = user_id
    this.#emit = emit
  }

  get thread_id(): string {
    return `chat_${this.input?.chat_id ?? ''}:${this.fence.execution_id}`
  }

  /** How long the run has worked, all its attempts together; it is this time that is limited. */
  get worked_ms(): number {
    return this.past.worked_ms + Date.now() - this.started_at.getTime()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get setting(): RunSetting {
    if (!this.#setting) throw new Error('the run has not begun')
    return this.#setting
  }

  /** The run is loaded and goes to work. */
  begin(input: RunInput, setting: RunSetting, durability: Durability): void {
    this.input = input
    this.#setting = setting
    this.durability = durability
    this.demo = setting.models.current().kind === 'demo'
    this.#send(this.snapshot())
  }

  /** Stops the run; the first reason counts, except that a lost run is lost whatever came before. */
  stop(reason: StopReason): void {
    if (this.#stopped === undefined || reason === 'lost') this.#stopped = reason
    this.#controller.abort(new Error(reason))
  }

  wasStopped(reason: StopReason): boolean {
    return this.#stopped === reason
  }

  lose(): void {
    this.stop('lost')
  }

  snapshot(): RunSnapshotFrame {
    return {
      t: 'run.snapshot',
      run: this.fence.execution_id,
      chat: this.input?.chat_id ?? '',
      message: this.input?.answer_message_id ?? '',
      attempt: this.fence.attempt,
      seq: this.seq,
      text: this.text,
      node: this.#node,
      demo: this.demo || undefined,
    }
  }

  nodeStarted(node: PlannedNode): void {
    this.#node = node.name
    this.#sendNode(node, 'start')
  }

  nodeEnded(node: PlannedNode, record: NodeRecord): void {
    this.records.push(record)
    this.#sendNode(node, record.status === 'failed' ? 'fail' : 'end')
  }

  /** Two branches that write at once must not mix their words: the first to speak is the run's voice. */
  speak(node: PlannedNode, text: string): void {
    if (!node.speaks || this.signal.aborted) return
    this.#voice ??= node.name
    if (this.#voice === node.name) this.say(text)
  }

  say(text: string): void {
    this.text += text
    this.seq += 1
    this.#send({ t: 'run.text', run: this.fence.execution_id, seq: this.seq, text })
  }

  ended(status: 'completed' | 'failed' | 'cancelled'): void {
    this.#send({ t: 'run.end', run: this.fence.execution_id, status })
  }

  #sendNode(node: PlannedNode, phase: 'start' | 'end' | 'fail'): void {
    this.#send({ t: 'run.node', run: this.fence.execution_id, node: node.name, label: node.label, phase })
  }

  #send(frame: ServerFrame): void {
    if (this.#stopped !== 'lost') this.#emit(this.user_id, frame, this.hidden)
  }
}
