import type {
  RunEndFrame,
  RunNodeFrame,
  RunSnapshotFrame,
  RunTextFrame,
  ServerFrame,
} from '../../sync/protocol/socket.ts'

export type RunFrame = RunSnapshotFrame | RunTextFrame | RunNodeFrame | RunEndFrame

/** Frames of runs by execution, for those in this process who wait for one run: the OpenAI-compatible API. */
export interface RunEvents {
  on(execution_id: string, listener: (frame: RunFrame) => void): () => void
  publish(frame: RunFrame): void
}

export function createRunEvents(): RunEvents {
  const listeners = new Map<string, Set<(frame: RunFrame) => void>>()
  return {
    on(execution_id, listener) {
      const own = listeners.get(execution_id) ?? new Set()
      own.add(listener)
      listeners.set(execution_id, own)
      return () => {
        own.delete(listener)
        if (own.size === 0) listeners.delete(execution_id)
      }
    },
    publish(frame) {
      for (const listener of listeners.get(frame.run) ?? []) listener(frame)
    },
  }
}

/** Whether a frame of the socket is about a run. */
export function isRunFrame(frame: ServerFrame): frame is RunFrame {
  return frame.t.startsWith('run.')
}
