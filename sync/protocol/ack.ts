import { Type, type Static } from 'typebox'
import { column } from '../../shared/kernel/column.ts'

/**
 * One row a device: up to where the server has decided this device's mutations. The commit LSN of its change is
 * what settles them in the device's overlay.
 */
export const ackRow = Type.Object({
  device_id: column.uuid(),
  user_id: column.uuid(),
  last_seq: column.bigint(),
  updated_at: column.timestamptz(),
})
export type AckRow = Static<typeof ackRow>
