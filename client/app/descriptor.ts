import type { Component, Ref } from 'vue'
import type { RouteRecordRaw } from 'vue-router'
import type { Permission } from '../../shared/identity/permissions.ts'
import type { Locale } from '../ui/i18n.ts'
import type { PaletteSource } from './commands.ts'

export type { Locale } from '../ui/i18n.ts'

/** A few words in both languages, for what must be named before a module's own words are loaded. */
export type Words = Record<Locale, string>

export interface NavItem {
  id: string
  title: Words
  icon: Component
  to: string
  /** Position from the top; items of `foot` stand at the bottom of the rail. */
  order: number
  place: 'main' | 'foot'
  /** Also a tab on phones, where there is room for four; `spare` when the others leave one. */
  phone?: boolean | 'spare'
  phoneTitle?: Words
  permission?: Permission
  /** Called in the rail's setup; the number shows as a badge, 0 hides it. */
  useBadge?: () => Readonly<Ref<number>>
}

/** A page under /settings. Its route is named `settings-<id>` and lies at `/settings/<id>`. */
export interface SettingsSection {
  id: string
  title: Words
  icon: Component
  page: () => Promise<Component>
  order: number
  permission?: Permission
}

/** A command that needs no page: it goes somewhere. Pages add their own with `useCommand`. */
export interface StaticCommand {
  id: string
  title: Words
  icon?: Component
  to: string
  permission?: Permission
}

/**
 * What a feature tells the shell. `client/<module>/module.ts` exports it as default; the shell finds every such file.
 * Pages are named by `import()`; the words in `client/<module>/locales/` are loaded before a page of it opens, and
 * stand under the module's id: `t('<id>.…')`.
 *
 * Route meta: `bare` no rail and no tabs (sign-in); `public` needs no session; `immersive` hides the phone's tabs;
 * `permission` is needed to open it; `title` names the document.
 */
export interface ModuleDescriptor {
  id: string
  routes: RouteRecordRaw[]
  nav?: NavItem[]
  settings?: SettingsSection[]
  commands?: StaticCommand[]
  /** What the palette finds of it, on every page; fetched when the palette opens. */
  palette?: () => Promise<PaletteSource>
}

declare module 'vue-router' {
  interface RouteMeta {
    module?: string
    bare?: boolean
    public?: boolean
    immersive?: boolean
    permission?: Permission
    title?: Words
  }
}
