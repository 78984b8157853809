import { createRouter, type Response, type Router } from '../../kernel/http.ts'
import { bearsToken } from '../operator.ts'
import { encodeFrame, type RelayedFrame } from './relayed-frame.ts'

export const FRAMES_PATH = '/internal/run-frames'

/** An empty line this often tells the reader that we are there. */
export const BEAT_MS = 5_000
/** Unsent bytes at which a reader counts as stalled; it starts from snapshots when it returns. */
const BACKLOG_BYTES = 8 * 1024 * 1024

export interface FrameServer {
  router: Router
  publish(relayed: RelayedFrame): void
  readers(): number
  stop(): void
}

/**
 * Tells other processes of this installation what happens in the runs at work here: all snapshots, then every frame, one
 * line each. To anybody without the secret the address does not exist.
 */
export function createFrameServer(options: { secret: string; snapshots: () => RelayedFrame[] }): FrameServer {
  const readers = new Set<Response>()
  const router = createRouter()

  router.get(FRAMES_PATH, (request, response, next) => {
    if (!bearsToken(request.headers.authorization, options.secret)) return next()
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
    response.write(options.snapshots().map(encodeFrame).join('') || '\n')
    readers.add(response)
    response.on('close', () => readers.delete(response))
  })

  const beat = setInterval(() => tell('\n'), BEAT_MS)
  beat.unref()

  function tell(line: string): void {
    for (const response of readers) {
      if (response.writableLength > BACKLOG_BYTES) response.destroy()
      else response.write(line)
    }
  }

  return {
    router,
    publish(relayed) {
      if (readers.size > 0) tell(encodeFrame(relayed))
    },
    readers: () => readers.size,
    stop() {
      clearInterval(beat)
      for (const response of readers) response.end()
    },
  }
}
