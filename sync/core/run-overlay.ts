import type { RunEndFrame, RunNodeFrame, RunSnapshotFrame, RunTextFrame } from '../protocol/socket.ts'

export type RunFrame = RunSnapshotFrame | RunTextFrame | RunNodeFrame | RunEndFrame

export interface RunStep {
  node: string
  label?: string | undefined
  phase: 'start' | 'end' | 'fail'
  started_at: number
  ended_at?: number | undefined
}

/** A running answer in memory, built from socket frames. */
export interface RunText {
  run: string
  message: string
  chat: string
  text: string
  seq: number
  attempt: number
  node?: string | undefined
  steps: RunStep[]
  demo?: boolean | undefined
  ended?: RunEndFrame['status'] | undefined
}

/**
 * The overlay after `frame`. `gap`: a text frame is missing, so the socket must reconnect, which brings a snapshot.
 * Text frames seen twice change nothing; frames of a run without a snapshot are ignored until one comes.
 */
export function reduceRun(run: RunText | undefined, frame: RunFrame, now: number): RunText | 'gap' | undefined {
  if (frame.t === 'run.snapshot') return fromSnapshot(run, frame)
  if (!run) return frame.t === 'run.text' ? 'gap' : undefined
  switch (frame.t) {
    case 'run.text':
      if (frame.seq <= run.seq) return run
      if (frame.seq > run.seq + 1) return 'gap'
      return { ...run, text: run.text + frame.text, seq: frame.seq }
    case 'run.node':
      return {
        ...run,
        steps: withStep(run.steps, frame, now),
        ...(frame.phase === 'start' ? { node: frame.node } : {}),
      }
    case 'run.end':
      return { ...run, ended: frame.status }
  }
}

function fromSnapshot(run: RunText | undefined, frame: RunSnapshotFrame): RunText {
  const { run: id, chat, message, attempt, seq, text, node, demo } = frame
  const steps = run && run.attempt === attempt ? run.steps : []
  return { run: id, chat, message, attempt, seq, text, steps, ...(node ? { node } : {}), ...(demo ? { demo } : {}) }
}

function withStep(steps: readonly RunStep[], frame: RunNodeFrame, now: number): RunStep[] {
  if (frame.phase === 'start')
    return [...steps, { node: frame.node, label: frame.label, phase: 'start', started_at: now }]
  const index = steps.findLastIndex((step) => step.node === frame.node && step.phase === 'start')
  const open = steps[index]
  if (!open)
    return [...steps, { node: frame.node, label: frame.label, phase: frame.phase, started_at: now, ended_at: now }]
  return steps.with(index, { ...open, phase: frame.phase, ended_at: now })
}
