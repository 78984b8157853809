/** One answer of a shape server, as recorded. */
export interface TracePage {
  status: number
  handle: string
  /** Where it ends. */
  offset: string
  messages: TraceMessage[]
}

export interface TraceMessage {
  key?: string
  value?: Record<string, string | null>
  headers: {
    operation?: 'insert' | 'update' | 'delete'
    control?: string
    lsn?: string
    op_position?: number
    global_last_seen_lsn?: string
  }
}

/** What one reader of the shape `preferences` was told from its first request on, and the table's rows in the end. */
export interface Trace {
  rows: unknown[]
  pages: TracePage[]
}
