import type { VersionEntry } from '../../shared/agent/api.ts'

/** Colour of each state of a review. */
export const reviewTones = {
  submitted: 'amber',
  approved: 'leaf',
  rejected: 'red',
  withdrawn: 'neutral',
  revoked: 'red',
} as const satisfies Record<VersionEntry['state'], string>
