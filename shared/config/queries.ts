import { Type } from 'typebox'
import { namedQuery } from '../kernel/query.ts'
import type { PreferenceRow } from './rows.ts'

/** All preferences of the person. */
export const preferences = namedQuery<PreferenceRow>()({
  name: 'preference.all',
  params: Type.Object({}),
  sql: 'select user_id, key, value, hlc, updated_at from v_preferences order by key',
})

export const configQueries = [preferences]
