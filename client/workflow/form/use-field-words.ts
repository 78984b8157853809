import { useI18n } from '../../ui/i18n.ts'
import type { Field } from './fields.ts'

/** Words for the fields of node types: ours where we have some, else the schema's own title. */
export function useFieldWords() {
  const { t, te } = useI18n()
  const label = (field: Field) => (te(`workflow.field.${field.key}`) ? t(`workflow.field.${field.key}`) : field.title)
  const hint = (field: Field) => (te(`workflow.hint.${field.key}`) ? t(`workflow.hint.${field.key}`) : field.hint)
  return { label, hint }
}
