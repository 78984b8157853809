import type { NavItem } from './descriptor.ts'

const ROOM = 4

/** The tabs of a phone: those that are always there, and spare ones while there is room; the rail's order from the top. */
export function phoneTabs(items: readonly NavItem[]): NavItem[] {
  const fixed = items.filter((item) => item.phone === true)
  const spare = items.filter((item) => item.phone === 'spare').slice(0, Math.max(0, ROOM - fixed.length))
  const chosen = items.filter((item) => fixed.includes(item) || spare.includes(item))
  return [...chosen.filter((item) => item.place === 'main'), ...chosen.filter((item) => item.place === 'foot')]
}
