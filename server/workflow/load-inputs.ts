import { toAppError } from '../../shared/kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { ConversationPort, RunInput } from './ports.ts'

/** `gone`: there is no such run any more. `failed`: it cannot be read now. */
export type Loaded = RunInput | 'gone' | 'failed'

/** Loads what runs begin with, in one statement. Never throws. */
export async function loadInputs(
  deps: { conversation: Pick<ConversationPort, 'load'>; log: Log },
  execution_ids: readonly string[],
): Promise<Map<string, Loaded>> {
  try {
    const inputs = new Map((await deps.conversation.load(execution_ids)).map((input) => [input.execution_id, input]))
    return new Map(execution_ids.map((id) => [id, inputs.get(id) ?? 'gone']))
  } catch (error) {
    const reason = toAppError(error)
    deps.log.error({ event: 'run.load-failed', runs: execution_ids.length, reason: reason.message })
    const alone = execution_ids.length === 1 || reason.code === 'server/unavailable'
    if (alone) return new Map(execution_ids.map((id) => [id, 'failed']))
    // One run that cannot be read must not count against those that were claimed with it.
    const each = await Promise.all(execution_ids.map((id) => loadInputs(deps, [id])))
    return new Map(each.flatMap((loaded) => [...loaded]))
  }
}
