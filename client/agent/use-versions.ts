import { computed, toValue, type ComputedRef, type MaybeRefOrGetter } from 'vue'
import { listVersions, type VersionEntry } from '../../shared/agent/api.ts'
import { AppError } from '../../shared/kernel/errors.ts'
import { call } from '../app/call.ts'
import { useOnline, type Online } from './use-online.ts'
import { compareVersions } from './version-number.ts'

export interface Versions extends Pick<Online<unknown>, 'error' | 'loading' | 'reload'> {
  /** Newest first. */
  list: ComputedRef<VersionEntry[]>
}

/** Submitted versions of one's own agent; the list of last time while the server is out of reach. */
export function useVersions(agent_id: MaybeRefOrGetter<string>): Versions {
  const { data, error, loading, reload } = useOnline((signal) => load(toValue(agent_id), signal), {
    key: agent_id,
    keep: () => `versions.${toValue(agent_id)}`,
    fresh: 30_000,
  })
  const list = computed(() =>
    [...(data.value?.versions ?? [])].sort(
      (a, b) => compareVersions(b.version, a.version) || b.created_at.localeCompare(a.created_at),
    ),
  )
  return { list, error, loading, reload }
}

/** An agent that has not reached the server yet has no versions. */
async function load(agent_id: string, signal: AbortSignal): Promise<{ versions: VersionEntry[] }> {
  try {
    return await call(listVersions, { params: { agent_id }, signal })
  } catch (error) {
    if (error instanceof AppError && (error.code === 'agent/not-found' || error.code === 'row/not-found'))
      return { versions: [] }
    throw error
  }
}
