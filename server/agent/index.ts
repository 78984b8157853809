/** The door of agents: freezing drafts, releases, reviews, and who may run what. */
export { freezeDraft, snapshotId, type FrozenDraft } from './freeze-draft.ts'
export { mayRun, type RunnableVersion, type RunRequest } from './policy.ts'
export { agentHooks } from './on-mutation.ts'
export { publish } from './publish.ts'
export { agentRoutes } from './routes.ts'
export { versionPart } from './version.repository.ts'
