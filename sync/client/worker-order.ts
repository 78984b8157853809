/** What a tab tells the worker that it starts. */
export interface WorkerOrder {
  t: 'start'
  user_id: string
  epoch: number
  origin: string
  /** Take the lead from an engine that shows no life. */
  steal: boolean
}
