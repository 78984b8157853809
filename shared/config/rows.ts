import { Type, type Static } from 'typebox'
import { column } from '../kernel/column.ts'

export const preferenceRow = Type.Object({
  user_id: column.uuid(),
  key: column.varchar(64),
  value: column.json(),
  hlc: column.varchar(64),
  updated_at: column.timestamptz(),
})
export type PreferenceRow = Static<typeof preferenceRow>
