/// <reference lib="webworker" />
import type { EngineOptions } from './engine.ts'
import { lead } from './lead.ts'
import type { WorkerOrder } from './worker-order.ts'

/** Entry of the engine's worker: the tab that made it sends orders, nothing else. */
globalThis.addEventListener('message', (event: MessageEvent<WorkerOrder>) => {
  const order = event.data
  if (order.t !== 'start') return
  const options: EngineOptions = { user_id: order.user_id, epoch: order.epoch, origin: order.origin }
  void lead(options, order.steal)
})

