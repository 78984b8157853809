/**
 * The one table of rights: permission → roles that hold it. What is not here is denied. Row rules (own rows, own
 * drafts, not one's own review) refine it in each module's `policy.ts`.
 */
export const ROLES = ['user', 'developer', 'reviewer', 'admin'] as const
export type Role = (typeof ROLES)[number]

const everyone = ['user', 'developer', 'reviewer', 'admin'] as const
const developers = ['developer', 'admin'] as const
const reviewers = ['reviewer', 'admin'] as const
const admins = ['admin'] as const

export const PERMISSIONS = {
  'profile:read': everyone,
  'profile:update': everyone,
  'session:read': everyone,
  'session:revoke': everyone,
  'key:read': everyone,
  'key:create': everyone,
  'key:revoke': everyone,
  'sync:push': everyone,
  'sync:read': everyone,
  'socket:connect': everyone,
  'chat:read': everyone,
  'chat:write': everyone,
  'chat:export': everyone,
  'run:read': everyone,
  'run:stop': everyone,
  'preference:write': everyone,
  'store:read': everyone,
  'store:install': everyone,
  'store:rate': everyone,
  'model:read': everyone,
  'model:call': everyone,
  'agent:read': developers,
  'agent:write': developers,
  'agent:submit': developers,
  'review:read': reviewers,
  'review:decide': reviewers,
  'review:try': reviewers,
  'user:read': admins,
  'user:update': admins,
  'setting:update': admins,
  'audit:read': admins,
} as const satisfies Record<string, readonly Role[]>

export type Permission = keyof typeof PERMISSIONS

export function isPermission(text: string): text is Permission {
  return Object.hasOwn(PERMISSIONS, text)
}

/** Whether one of `roles` holds `permission`. Unknown permissions are held by nobody. */
export function mayDo(roles: readonly string[], permission: string): boolean {
  if (!isPermission(permission)) return false
  const holders: readonly string[] = PERMISSIONS[permission]
  return roles.some((role) => holders.includes(role))
}
