/// <reference lib="webworker" />
import { lead } from './lead.ts'
import type { Replica } from './replica.ts'
import type { WorkerOrder } from './worker-order.ts'

/** Entry of the engine's worker: the tab that made it sends orders, nothing else. */
globalThis.addEventListener('message', (event: MessageEvent<WorkerOrder>) => {
  const order = event.data
  if (order.t !== 'start') return
  const { user_id, epoch, origin, steal } = order
  void lead({ user_id, epoch, origin }, { steal, open })
})

/** The database is most of the worker's code: it loads while reads already come from the server. */
async function open(user_id: string, generation: number, report: (trouble: string) => void): Promise<Replica> {
  const module = await import('./open-replica.ts')
  return module.openReplica(user_id, generation, report)
}
