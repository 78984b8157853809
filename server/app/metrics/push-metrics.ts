import { ERROR_STATUS } from '../../../shared/kernel/errors.ts'
import type { PushBody, PushReply } from '../../../sync/protocol/push.ts'
import { Counter, type Registry } from '../../kernel/metrics.ts'

/** Counts mutations by name and fate. Names and codes that are not ours count as `other`. */
export function pushMetrics(registry: Registry, names: readonly string[]): (body: PushBody, reply: PushReply) => void {
  const mutations = new Counter({
    name: 'banyan_push_mutations_total',
    help: 'Mutations that devices pushed, by name and what became of them.',
    labelNames: ['name', 'status'],
    registers: [registry],
  })
  const rejections = new Counter({
    name: 'banyan_push_rejections_total',
    help: 'Mutations that were rejected, by code.',
    labelNames: ['code'],
    registers: [registry],
  })
  const known = new Set(names)
  return ({ mutations: pushed }, { results }) => {
    for (const [index, { status, error }] of results.entries()) {
      const name = pushed[index]?.name ?? ''
      mutations.inc({ name: known.has(name) ? name : 'other', status })
      const code = error?.code ?? ''
      if (status === 'rejected') rejections.inc({ code: Object.hasOwn(ERROR_STATUS, code) ? code : 'other' })
    }
  }
}
