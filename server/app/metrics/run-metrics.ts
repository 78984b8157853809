import type { ServerFrame } from '../../../sync/protocol/socket.ts'
import { Counter, type Registry } from '../../kernel/metrics.ts'

/** Counts what the worker of this process tells of its runs. */
export function runMetrics(registry: Registry): (frame: ServerFrame) => void {
  const started = new Counter({
    name: 'banyan_runs_started_total',
    help: 'Attempts of runs that went to work in this process.',
    registers: [registry],
  })
  const ended = new Counter({
    name: 'banyan_runs_ended_total',
    help: 'Runs that ended in this process, by how.',
    labelNames: ['status'],
    registers: [registry],
  })
  return (frame) => {
    if (frame.t === 'run.snapshot') started.inc()
    else if (frame.t === 'run.end') ended.inc({ status: frame.status })
  }
}
