import { AppError, operationalError, type ErrorValue } from '../../shared/kernel/errors.ts'
import { channelName, type HostCall, type HostEvent, type ToHost, type ToTab } from './host-protocol.ts'

/** Longest wait for the engine's answer, ms. */
const DEADLINE_MS = 20_000

interface Waiting {
  body: HostCall
  resolve: (value: unknown) => void
  reject: (error: Error) => void
}

/**
 * A tab's end of the channel. Unanswered calls are sent again when another engine takes over, and fail after a
 * deadline.
 */
export class HostClient {
  readonly tab: string
  readonly #channel: BroadcastChannel
  readonly #waiting = new Map<number, Waiting>()
  readonly #onEvent: (event: HostEvent) => void
  readonly #onNewHost: () => void
  #epoch = 0
  #heard = Date.now()
  #next = 1

  constructor(user_id: string, tab: string, onEvent: (event: HostEvent) => void, onNewHost: () => void) {
    this.tab = tab
    this.#onEvent = onEvent
    this.#onNewHost = onNewHost
    this.#channel = new BroadcastChannel(channelName(user_id))
    this.#channel.addEventListener('message', (event) => this.#receive(event.data))
  }

  /** Ms since the engine last showed life. */
  get silence(): number {
    return Date.now() - this.#heard
  }

  call(body: HostCall, deadline = DEADLINE_MS): Promise<unknown> {
    const call = this.#next++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(call)
        reject(operationalError('server/unavailable', {}, 'the local engine does not answer'))
      }, deadline)
      const done = () => {
        clearTimeout(timer)
        this.#waiting.delete(call)
      }
      this.#waiting.set(call, {
        body,
        resolve: (value) => (done(), resolve(value)),
        reject: (error) => (done(), reject(error)),
      })
      this.#send({ to: 'host', tab: this.tab, call, body })
    })
  }

  poke(): void {
    this.#send({ to: 'host', tab: this.tab, poke: true })
  }

  close(): void {
    for (const waiting of this.#waiting.values()) waiting.reject(operationalError('server/unavailable', {}, 'closed'))
    this.#channel.close()
  }

  #send(message: ToHost): void {
    this.#channel.postMessage(message)
  }

  #receive(message: ToHost | ToTab): void {
    if (message.to !== 'tab') return
    if (message.tab !== undefined && message.tab !== this.tab) return
    // a late word of an engine that was frozen: another one speaks now
    if (message.epoch < this.#epoch) return
    this.#heard = Date.now()
    if (message.epoch !== this.#epoch) this.#follow(message.epoch, 'event' in message ? undefined : message.call)
    if ('event' in message) return this.#onEvent(message.event)
    const waiting = this.#waiting.get(message.call)
    if (!waiting) return
    if (message.ok) waiting.resolve(message.value)
    else waiting.reject(errorOf(message.error))
  }

  /**
   * A new engine, or the first one heard: it may know nothing of what was asked before it listened. Calls can be
   * repeated without harm.
   */
  #follow(epoch: number, answered: number | undefined): void {
    this.#epoch = epoch
    for (const [call, { body }] of this.#waiting) {
      if (call !== answered) this.#send({ to: 'host', tab: this.tab, call, body })
    }
    this.#onNewHost()
  }
}

/** Trouble of a machine can be tried again, a refusal cannot. */
function errorOf({ code, params, message }: ErrorValue): AppError {
  return new AppError(code.startsWith('server/') ? 'operational' : 'user', code, params, message)
}
