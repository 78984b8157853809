import type { ModuleDescriptor } from './descriptor.ts'

const found = import.meta.glob<ModuleDescriptor>('../*/module.ts', { eager: true, import: 'default' })

/** Every feature's descriptor. A new feature is found by its `module.ts`; nothing else is to be edited. */
export const modules: readonly ModuleDescriptor[] = Object.values(found).sort((a, b) => place(a) - place(b))

/** Modules stand in the order of the rail; those without an entry come last. */
function place({ nav = [] }: ModuleDescriptor): number {
  return Math.min(1000, ...nav.map((item) => (item.place === 'main' ? item.order : item.order + 500)))
}

export const navItems = modules.flatMap((module) => module.nav ?? []).sort((a, b) => a.order - b.order)
export const settingsSections = modules.flatMap((module) => module.settings ?? []).sort((a, b) => a.order - b.order)
export const staticCommands = modules.flatMap((module) => module.commands ?? [])
