import { inject, type ComputedRef, type InjectionKey } from 'vue'

/** What a Field tells the control inside it. */
export interface FieldContext {
  id: string
  describedby: string | undefined
  invalid: boolean
  required: boolean
}

export const fieldKey: InjectionKey<ComputedRef<FieldContext>> = Symbol('field')

/** The Field around this control, if there is one. */
export function useField(): ComputedRef<FieldContext> | undefined {
  return inject(fieldKey, undefined)
}
