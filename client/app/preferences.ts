import { computed, type WritableComputedRef } from 'vue'
import { setPreference } from '../../shared/config/mutators.ts'
import { preferences } from '../../shared/config/queries.ts'
import { mutate, useQuery, type LiveRows } from './local.ts'
import type { PreferenceRow } from '../../shared/config/rows.ts'

/** All preferences of the person, the ones of last time until the replica answers. */
export function usePreferences(): LiveRows<PreferenceRow> {
  return useQuery(preferences, {}, { boot: 'preferences', keep: 200 })
}

/** One preference that follows the person to their other devices. `known` says whether a stored value is one of ours. */
export function usePreference<T>(
  key: string,
  standard: T,
  known: (value: unknown) => value is T,
): WritableComputedRef<T> {
  const { rows } = usePreferences()
  return computed({
    get: () => {
      const value = rows.value.find((row) => row.key === key)?.value
      return known(value) ? value : standard
    },
    set: (value) => void mutate(setPreference, { key, value }),
  })
}
