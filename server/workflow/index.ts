export type {
  ConversationPort,
  HistoryMessage,
  RunEndStatus,
  RunError,
  RunInput,
  RunOutcome,
  RunVersion,
} from './ports.ts'
export { notifyCancel, notifyRuns, wakeByNotifications } from './wake-up.ts'
export type { Lease, Worker, WorkerDeps, WorkerLimits, WorkerStatus } from './worker-contract.ts'
export { createWorker } from './worker.ts'
export { runRoutes } from './run-routes.ts'
