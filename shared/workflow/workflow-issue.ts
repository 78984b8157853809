/** Why a workflow cannot run. The client turns code and params into a sentence. */
export interface WorkflowIssue {
  code: WorkflowIssueCode
  node_name?: string | undefined
  edge_index?: number | undefined
  params: Record<string, string | number>
}

export const WORKFLOW_ISSUE_CODES = [
  'definition-malformed',
  'node-type-unknown',
  'node-name-duplicate',
  'node-config-invalid',
  'node-unreachable',
  'node-no-way-in',
  'node-no-way-out',
  'start-missing',
  'start-many',
  'end-missing',
  'end-unreachable',
  'edge-from-missing',
  'edge-to-missing',
  'mapping-missing',
  'mapping-default-missing',
  'condition-missing',
  'condition-syntax',
  'condition-too-complex',
  'reference-unknown',
  'reference-not-before',
  'cycle-unsupported',
  'join-unsupported',
] as const
export type WorkflowIssueCode = (typeof WORKFLOW_ISSUE_CODES)[number]
