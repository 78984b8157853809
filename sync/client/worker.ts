/// <reference lib="webworker" />
import { lead } from './lead.ts'
import type { ReplicaFiles } from './replica-name.ts'
import type { Replica } from './replica.ts'
import type { WorkerNews, WorkerOrder } from './worker-order.ts'

/** Entry of the engine's worker: the tab that made it sends orders, and hears whether it leads. */
globalThis.addEventListener('message', (event: MessageEvent<WorkerOrder>) => {
  const order = event.data
  if (order.t !== 'start') return
  const { user_id, epoch, origin, steal } = order
  const tell = (news: WorkerNews) => globalThis.postMessage(news)
  void lead({ user_id, epoch, origin }, { steal, open, onLeading: () => tell({ t: 'leading' }) }).then(() => {
    tell({ t: 'ended' })
    globalThis.close()
  })
})

/** The database is most of the worker's code: it loads while reads already come from the server. */
async function open(user_id: string, files: ReplicaFiles, report: (trouble: string) => void): Promise<Replica> {
  const { openReplica } = await import('./open-replica.ts')
  return openReplica(user_id, files, report)
}
