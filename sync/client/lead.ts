import { Engine, type EngineOptions } from './engine.ts'
import { hostLockName } from './host-protocol.ts'

/**
 * Waits for the lead of this browser profile and runs the engine while it lasts: one engine a person, whoever's
 * worker holds the lock. When the lock is taken away (this worker was frozen and another took over), it ends.
 */
export async function lead(options: EngineOptions, steal: boolean): Promise<void> {
  let engine: Engine | undefined
  try {
    await navigator.locks.request(hostLockName(options.user_id), steal ? { steal: true } : {}, async () => {
      engine = new Engine(options)
      await engine.start()
      await new Promise(() => undefined)
    })
  } catch {
    // the lock was stolen: this worker woke up late
    await engine?.stop().catch(() => undefined)
    globalThis.close?.()
  }
}
