import type { ShapeFilter } from './filter.ts'
import type { RowFormat } from './row-format.ts'
import type { ShapeSource } from './shape-source.ts'

/** Which rows and columns of which table: two requests with one `id` read one log. */
export interface ShapeDefinition {
  id: string
  source: ShapeSource
  format: RowFormat
  filter: ShapeFilter
}
