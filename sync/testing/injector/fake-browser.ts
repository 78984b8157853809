import type { DeviceOrder } from './device-words.ts'

export interface FakeBrowser {
  /** Cuts every connection and lets none through, or lets them again. */
  line(up: boolean): void
  /** How far the wall clock is off from now on, ms. */
  clock(off: number): void
}

/** Gives this process what the engine takes from a browser: relative addresses, cookies, a clock and a line that may fail. */
export function fakeBrowser({
  origin,
  cookie,
  off: first,
}: Pick<DeviceOrder, 'origin' | 'cookie' | 'off'>): FakeBrowser {
  const [realFetch, RealSocket, RealDate] = [globalThis.fetch, globalThis.WebSocket, globalThis.Date]
  const headers = { cookie, origin }
  const sockets = new Set<WebSocket>()
  let up = true
  let cut = new AbortController()
  let off = first

  globalThis.fetch = async (input, init) => {
    if (!up) throw new TypeError('no line')
    const url = new URL(input instanceof Request ? input.url : input, origin)
    const signal = AbortSignal.any([cut.signal, ...(init?.signal ? [init.signal] : [])])
    const { credentials: _, cache: __, ...rest } = init ?? {}
    return realFetch(url, {
      ...rest,
      headers: { ...Object.fromEntries(new Headers(init?.headers)), ...headers },
      signal,
    })
  }

  globalThis.WebSocket = class extends RealSocket {
    constructor(url: string | URL) {
      // a port where nobody listens
      const to = up ? url : 'ws://127.0.0.1:9'
      // undici takes headers here, the DOM's type does not know
      super(to, Object({ headers }))
      sockets.add(this)
      this.addEventListener('close', () => sockets.delete(this))
    }
  }

  globalThis.Date = class extends RealDate {
    constructor(...args: ConstructorParameters<DateConstructor> | []) {
      if (args.length === 0) super(RealDate.now() + off)
      else super(...args)
    }

    static override now(): number {
      return RealDate.now() + off
    }
  } as DateConstructor

  return {
    line: (now) => {
      up = now
      if (up) return
      cut.abort()
      cut = new AbortController()
      for (const socket of sockets) socket.close()
    },
    clock: (now) => {
      off = now
    },
  }
}
