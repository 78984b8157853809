import pg from 'pg'
import type { Condition, Operand } from './condition.ts'

/** The condition as SQL over a row named `t`: every name and constant quoted anew, every part in parentheses. */
export function emitCondition(condition: Condition): string {
  switch (condition.op) {
    case 'and':
    case 'or':
      return `(${condition.args.map(emitCondition).join(` ${condition.op} `)})`
    case 'not':
      return `(not ${emitCondition(condition.arg)})`
    case 'compare':
      return `(${emitOperand(condition.left)} ${condition.operator} ${emitOperand(condition.right)})`
    case 'in':
      return `(${emitOperand(condition.operand)} ${negation(condition)}in (${condition.list.map(emitOperand).join(', ')}))`
    case 'between':
      return `(${emitOperand(condition.operand)} ${negation(condition)}between ${emitOperand(condition.low)} and ${emitOperand(condition.high)})`
    case 'like':
      return `(${emitOperand(condition.operand)} ${negation(condition)}${condition.insensitive ? 'ilike' : 'like'} ${emitOperand(condition.pattern)})`
    case 'is-null':
      return `(${emitOperand(condition.operand)} is ${negation(condition)}null)`
    case 'holds':
      return `(${emitOperand(condition.operand)})`
  }
}

/** Columns that the condition names, sorted. */
export function conditionColumns(condition: Condition): string[] {
  const names = new Set<string>()
  const visit = (operand: Operand): void => {
    if (operand.op === 'column') names.add(operand.name)
  }
  const walk = (part: Condition): void => {
    switch (part.op) {
      case 'and':
      case 'or':
        return part.args.forEach(walk)
      case 'not':
        return walk(part.arg)
      case 'compare':
        return [part.left, part.right].forEach(visit)
      case 'in':
        return [part.operand, ...part.list].forEach(visit)
      case 'between':
        return [part.operand, part.low, part.high].forEach(visit)
      case 'like':
        return [part.operand, part.pattern].forEach(visit)
      case 'is-null':
      case 'holds':
        return visit(part.operand)
    }
  }
  walk(condition)
  return [...names].sort()
}

function emitOperand(operand: Operand): string {
  switch (operand.op) {
    case 'column':
      return `t.${pg.escapeIdentifier(operand.name)}`
    case 'text':
      return pg.escapeLiteral(operand.text).trimStart()
    case 'number':
      return operand.text.startsWith('-') ? `(${operand.text})` : operand.text
    case 'boolean':
      return String(operand.value)
    case 'null':
      return 'null'
  }
}

function negation({ negated }: { negated: boolean }): string {
  return negated ? 'not ' : ''
}
