import http from 'node:http'
import https from 'node:https'
import { StringDecoder } from 'node:string_decoder'
import type { Log } from '../../kernel/log.ts'
import { BEAT_MS, FRAMES_PATH } from './frame-server.ts'
import { decodeFrame, type RelayedFrame } from './relayed-frame.ts'

export interface FrameReaderOptions {
  /** Of the other process, e.g. `http://10.0.0.4:8787`. */
  address: string
  secret: string
  log: Log
  onFrame: (relayed: RelayedFrame) => void
  /** The stream ended; a new one begins with snapshots. */
  onLost: () => void
}

const FIRST_DELAY_MS = 250
const LONGEST_DELAY_MS = 10_000
/** Three beats missed: nobody is there. */
const SILENCE_MS = 3 * BEAT_MS

/** Follows the frames of one other process for as long as it is wanted, with growing pauses between attempts. */
export class FrameReader {
  readonly #options: FrameReaderOptions
  #request: http.ClientRequest | undefined
  /** Set while the next attempt is awaited. */
  #timer: NodeJS.Timeout | undefined
  #delay = FIRST_DELAY_MS
  #stopped = false

  constructor(options: FrameReaderOptions) {
    this.#options = options
    this.#connect()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#request?.destroy()
  }

  #connect(): void {
    this.#timer = undefined
    const { address, secret } = this.#options
    const url = new URL(FRAMES_PATH, address)
    const { get } = url.protocol === 'https:' ? https : http
    const request = get(url, {
      agent: false,
      timeout: SILENCE_MS,
      headers: { authorization: `Bearer ${secret}`, accept: 'application/x-ndjson' },
    })
    this.#request = request
    request.on('timeout', () => request.destroy(new Error('silence')))
    request.on('error', (error) => this.#again(error.message))
    request.on('response', (response) => this.#read(response))
  }

  #read(response: http.IncomingMessage): void {
    if (response.statusCode !== 200) {
      response.resume()
      this.#again(
        response.statusCode === 404
          ? 'it does not know our secret: give all processes the same BANYAN_MASTER_KEY, or the same DATA_DIR'
          : `status ${response.statusCode}`,
      )
      return
    }
    this.#delay = FIRST_DELAY_MS
    this.#options.log.info({ event: 'relay.connected', address: this.#options.address })
    const decoder = new StringDecoder()
    let rest = ''
    response.on('data', (bytes: Buffer) => {
      const lines = (rest + decoder.write(bytes)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const relayed = line === '' ? undefined : decodeFrame(line)
        if (relayed) this.#options.onFrame(relayed)
      }
    })
    // Broken off in the middle; `close` follows.
    response.on('error', () => undefined)
    response.on('close', () => {
      this.#options.onLost()
      this.#again('the stream ended')
    })
  }

  #again(reason: string): void {
    if (this.#stopped || this.#timer) return
    this.#request?.destroy()
    this.#options.log.warn({ event: 'relay.lost', address: this.#options.address, reason })
    this.#timer = setTimeout(() => this.#connect(), this.#delay * (0.5 + Math.random() / 2))
    this.#timer.unref()
    this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY_MS)
  }
}
