export type {
  ConversationPort,
  HistoryMessage,
  RunEndStatus,
  RunError,
  RunInput,
  RunOutcome,
  RunVersion,
} from './ports.ts'
export { notifyCancel, notifyRuns, RUN_CHANNEL } from './wake-up.ts'
export {
  createWorker,
  type Lease,
  type Worker,
  type WorkerDeps,
  type WorkerLimits,
  type WorkerStatus,
} from './worker.ts'
export { runRoutes } from './run-routes.ts'
