/** A condition on one row, as read from a `where` parameter. `$n` is already replaced by its value. */
export type Condition =
  | { op: 'and' | 'or'; args: Condition[] }
  | { op: 'not'; arg: Condition }
  | { op: 'compare'; operator: Comparison; left: Operand; right: Operand }
  | { op: 'in'; negated: boolean; operand: Operand; list: Operand[] }
  | { op: 'between'; negated: boolean; operand: Operand; low: Operand; high: Operand }
  | { op: 'like'; negated: boolean; insensitive: boolean; operand: Operand; pattern: Operand }
  | { op: 'is-null'; negated: boolean; operand: Operand }
  /** A boolean column or constant on its own. */
  | { op: 'holds'; operand: Operand }

export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>='

export type Operand =
  | { op: 'column'; name: string }
  /** A quoted constant, whose type Postgres finds out. */
  | { op: 'text'; text: string }
  | { op: 'number'; text: string }
  | { op: 'boolean'; value: boolean }
  | { op: 'null' }
