export { createTestDatabase, type TestDatabase } from './database.ts'
export { makeDataDir, type TemporaryDataDir } from './data-dir.ts'
