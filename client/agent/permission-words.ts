/** What a named permission of a manifest means, as a message key and the name in it. */
export interface PermissionWords {
  kind: 'llm' | 'tool' | 'knowledge' | 'web' | 'code' | 'person' | 'agent' | 'other'
  name: string
}

const kinds: [pattern: RegExp, kind: PermissionWords['kind']][] = [
  [/^(llm|model)$/, 'llm'],
  [/^(tool|mcp)([:/]|$)/, 'tool'],
  [/^(rag|knowledge)([:/]|$)/, 'knowledge'],
  [/^(http|web|origin)([:/]|$)/, 'web'],
  [/^https?:\/\//, 'web'],
  [/^code([:/]|$)/, 'code'],
  [/^(human|person)([:/]|$)/, 'person'],
  [/^agent([:/]|$)/, 'agent'],
]

export function permissionWords(permission: string): PermissionWords {
  const kind = kinds.find(([pattern]) => pattern.test(permission))?.[1] ?? 'other'
  if (kind === 'other' || /^https?:\/\//.test(permission)) return { kind, name: permission }
  return { kind, name: permission.replace(/^[a-z]+[:/]?/, '') }
}

export interface PermissionChange {
  permission: string
  change: 'same' | 'added' | 'removed'
}

/** Permissions of a version beside those of the last approved one; new ones first. */
export function permissionChanges(before: readonly string[] | undefined, after: readonly string[]): PermissionChange[] {
  if (before === undefined) return after.map((permission) => ({ permission, change: 'same' }))
  const added = after.filter((each) => !before.includes(each))
  const same = after.filter((each) => before.includes(each))
  const removed = before.filter((each) => !after.includes(each))
  return [
    ...added.map((permission) => ({ permission, change: 'added' as const })),
    ...same.map((permission) => ({ permission, change: 'same' as const })),
    ...removed.map((permission) => ({ permission, change: 'removed' as const })),
  ]
}
