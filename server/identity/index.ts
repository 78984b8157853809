/** The door of identity: who people are, what they may do, and the keys they call with. */
export { createAuth, createAuthHandler, type Auth } from './auth.ts'
export { createKeyFinder } from './api-keys.ts'
export { identityRoutes } from './routes.ts'
export { createSessions, type Sessions } from './sessions.ts'
export { createSettings, type Settings, type SettingsStore } from './settings.ts'
export { createSetUp, ensureAdministrator, type SetUp } from './set-up.ts'
export { createUser } from './create-user.ts'
export { OFFICIAL_EMAIL } from './user.repository.ts'
