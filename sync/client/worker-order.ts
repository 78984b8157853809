/** What a tab tells the worker that it starts. */
export interface WorkerOrder {
  t: 'start'
  user_id: string
  epoch: number
  origin: string
  /** Take the lead from an engine that shows no life. */
  steal: boolean
}

/** What the worker tells its tab: it leads, or it has ended because another took the lead from it. */
export interface WorkerNews {
  t: 'leading' | 'ended'
}
