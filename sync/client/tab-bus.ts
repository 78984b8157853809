import { toAppError } from '../../shared/kernel/errors.ts'
import { channelName, tabLockName, type HostCall, type HostEvent, type ToHost, type ToTab } from './host-protocol.ts'

export interface BusHandler {
  call(body: HostCall): Promise<unknown>
  poke(): void
  /** A tab has closed or crashed. */
  gone(tab: string): void
}

/** The engine's end of the channel: answers calls, posts events, learns of closed tabs by their locks. */
export class TabBus {
  readonly epoch: number
  readonly #channel: BroadcastChannel
  readonly #handler: BusHandler
  readonly #tabs = new Set<string>()
  readonly #abort = new AbortController()

  /** `epoch`: higher than that of every engine before. */
  constructor(user_id: string, epoch: number, handler: BusHandler) {
    this.epoch = epoch
    this.#handler = handler
    this.#channel = new BroadcastChannel(channelName(user_id))
    this.#channel.addEventListener('message', (event) => this.#receive(event.data))
  }

  emit(event: HostEvent, tab?: string): void {
    this.#send({ to: 'tab', epoch: this.epoch, event, ...(tab === undefined ? {} : { tab }) })
  }

  close(): void {
    this.#abort.abort()
    this.#channel.close()
  }

  #receive(message: ToHost | ToTab): void {
    if (message.to !== 'host' || this.#abort.signal.aborted) return
    this.#know(message.tab)
    if ('poke' in message) return this.#handler.poke()
    const { tab, call, body } = message
    const reply = { to: 'tab', tab, epoch: this.epoch, call } as const
    this.#handler.call(body).then(
      (value) => this.#send({ ...reply, ok: true, value }),
      (error: unknown) => this.#send({ ...reply, ok: false, error: toAppError(error).toValue() }),
    )
  }

  #send(message: ToTab): void {
    if (!this.#abort.signal.aborted) this.#channel.postMessage(message)
  }

  #know(tab: string): void {
    if (this.#tabs.has(tab)) return
    this.#tabs.add(tab)
    const forget = () => {
      this.#tabs.delete(tab)
      this.#handler.gone(tab)
    }
    navigator.locks.request(tabLockName(tab), { signal: this.#abort.signal }, forget).catch(() => undefined)
  }
}
