import { store } from '../app/local.ts'

/** Whether a clock's node is this device: nodes are the ends of device ids. */
export function isThisDevice(node: string | null): boolean {
  return node !== null && (store.value?.device_id.replaceAll('-', '').endsWith(node) ?? false)
}
