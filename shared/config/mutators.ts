import { Type } from 'typebox'
import { byteLength } from '../kernel/caps.ts'
import { userError } from '../kernel/errors.ts'
import { mutator } from '../kernel/mutator.ts'

const VALUE_LIMIT = 16 * 1024

/** Sets one preference of the person; the latest clock wins. */
export const setPreference = mutator({
  name: 'preference.set',
  permission: 'preference:write',
  locks: true,
  args: Type.Object({ key: Type.String({ pattern: '^[a-z][a-z0-9_.-]{0,63}$' }), value: Type.Unknown() }),
  reads: ({ key }, ctx) => [{ table: 'preferences', key: { user_id: ctx.user_id, key } }],
  run: ({ key, value }, rows, ctx) => {
    if (byteLength(JSON.stringify(value ?? null)) > VALUE_LIMIT)
      throw userError('row/too-large', { limit: VALUE_LIMIT })
    const current = rows.get('preferences', { user_id: ctx.user_id, key })
    if (current && typeof current['hlc'] === 'string' && current['hlc'] > ctx.hlc) return []
    return [
      {
        op: 'upsert',
        table: 'preferences',
        row: { user_id: ctx.user_id, key, value: value ?? null, hlc: ctx.hlc, updated_at: ctx.now },
      },
    ]
  },
})

export const configMutators = [setPreference]
