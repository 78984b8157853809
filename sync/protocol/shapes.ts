import type { TObject } from 'typebox'
import { agentDraftRow, agentInstallRow, agentRow, draftConflictRow } from '../../shared/agent/rows.ts'
import { branchChoiceRow, chatMessageRow, chatRow } from '../../shared/chat/rows.ts'
import { preferenceRow } from '../../shared/config/rows.ts'
import { humanTaskRow, workflowExecutionRow } from '../../shared/workflow/rows.ts'
import { ackRow } from './ack.ts'
import type { Subsets } from './subset.ts'

/**
 * A shape: the part of one table that one person's replica holds. Clients name a shape; they send no SQL, no table
 * and no columns. The filter is always `owner = the session's user`, without hidden rows.
 */
export interface ShapeDefinition {
  readonly table: string
  /** Key columns, as in the table's primary key. */
  readonly key: readonly string[]
  /** The column that holds the owner's user id. */
  readonly owner: string
  /** A boolean column: rows where it is true are the owner's, but in no replica, and mutators do not see them. */
  readonly hidden?: 'hidden'
  /** Columns that travel: the row schema's, and no others. */
  readonly row: TObject
  /** Columns that the replica indexes, besides the key. */
  readonly indexes?: readonly (readonly string[])[]
  /** Parts that can be read apart; such a shape's log can also begin empty (`log=changes_only`). See subset.ts. */
  readonly subsets?: Subsets
}

export const SHAPES = {
  acks: { table: 'acks', key: ['device_id'], owner: 'user_id', row: ackRow },
  chats: { table: 'chats', key: ['id'], owner: 'user_id', hidden: 'hidden', row: chatRow },
  messages: {
    table: 'chat_messages',
    key: ['id'],
    owner: 'user_id',
    hidden: 'hidden',
    row: chatMessageRow,
    indexes: [['chat_id'], ['parent_message_id']],
    subsets: {
      order: 'seq',
      by: {
        /** A chat, whole. */
        chat: { column: 'chat_id', compare: '=', value: 'uuid' },
        /** Of all chats, what was written since. */
        since: { column: 'created_at', compare: '>=', value: 'time' },
      },
    },
  },
  branch_choices: {
    table: 'branch_choices',
    key: ['user_id', 'chat_id', 'fork_id'],
    owner: 'user_id',
    row: branchChoiceRow,
  },
  drafts: { table: 'agent_drafts', key: ['id'], owner: 'user_id', row: agentDraftRow },
  draft_conflicts: { table: 'draft_conflicts', key: ['id'], owner: 'user_id', row: draftConflictRow },
  agents_mine: { table: 'agents', key: ['id'], owner: 'developer_id', row: agentRow },
  installs: { table: 'agent_installs', key: ['id'], owner: 'user_id', row: agentInstallRow },
  tasks: { table: 'human_intervention_tasks', key: ['task_id'], owner: 'user_id', row: humanTaskRow },
  preferences: { table: 'preferences', key: ['user_id', 'key'], owner: 'user_id', row: preferenceRow },
  runs: {
    table: 'workflow_executions',
    key: ['execution_id'],
    owner: 'user_id',
    hidden: 'hidden',
    row: workflowExecutionRow,
    indexes: [['chat_id']],
  },
} as const satisfies Record<string, ShapeDefinition>

export type ShapeName = keyof typeof SHAPES

export const SHAPE_NAMES: readonly ShapeName[] = Object.keys(SHAPES).filter((name): name is ShapeName => name in SHAPES)

export function isShapeName(text: string): text is ShapeName {
  return Object.hasOwn(SHAPES, text)
}

/** The shape that carries `table`; each synced table has exactly one. */
export function shapeOfTable(table: string): (ShapeDefinition & { name: ShapeName }) | undefined {
  const name = SHAPE_NAMES.find((candidate) => SHAPES[candidate].table === table)
  return name && { name, ...SHAPES[name] }
}

/** SQL that ends a condition on rows of a shape: not the hidden ones. `t` is the table's alias. */
export function butHidden({ hidden }: ShapeDefinition, t: string): string {
  return hidden ? ` and not ${t}.${hidden}` : ''
}

/** Whether replicas hold a part of a shape, and follow its log without what was there before. */
export function isPartial(name: ShapeName): boolean {
  const shape: ShapeDefinition = SHAPES[name]
  return shape.subsets !== undefined
}

/** Column names of a shape, in the row schema's order. */
export function shapeColumns(shape: ShapeDefinition): string[] {
  return Object.keys(shape.row.properties)
}
