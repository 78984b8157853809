import type { Component } from 'vue'

export interface MenuEntry {
  id: string
  label: string
  icon?: Component
  danger?: boolean
  disabled?: boolean
  /** Shown at the end, e.g. a key. */
  hint?: string
  /** A tick before the label; makes it a choice. */
  checked?: boolean
  select: () => void
}

/** An entry, or a line between entries. */
export type MenuItem = MenuEntry | 'line'
