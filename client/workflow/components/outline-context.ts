import { inject, type InjectionKey } from 'vue'
import type { Place, WorkflowEditor } from '../use-workflow-editor.ts'

/** What rows of the outline need: the editor, and the way to the palette. */
export interface OutlineContext {
  editor: WorkflowEditor
  /** Opens the palette for a place; without it the outline is read only. */
  add: (place: Place) => void
  select: (name: string) => void
}

export const outlineKey: InjectionKey<OutlineContext> = Symbol('outline')

export function useOutline(): OutlineContext {
  const context = inject(outlineKey)
  if (!context) throw new Error('an outline row outside of an editor')
  return context
}
