import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { startMockModel, type MockModel } from '../../app/testing/mock-model.ts'
import type { ModelProvider } from '../../config/index.ts'
import type { Database } from '../../kernel/db.ts'
import { createTestDatabase, type TestDatabase } from '../../kernel/testing/index.ts'
import { countingDatabase, modelAt, testWorker, type Sent, type TestWorker } from './rig.ts'

/** What a test file of the worker works with; made and unmade by vitest's hooks. */
export interface Bench {
  readonly db: Database
  readonly mock: MockModel
  /** Statements since it was last emptied. */
  readonly sent: Sent[]
  /** A started worker; stopped after the test. */
  work(more?: Parameters<typeof testWorker>[2] & { model?: ModelProvider; db?: Database }): Promise<TestWorker>
}

/** Waits for what a test expects, also on a machine that has other things to do. */
export const until = <T>(work: () => T | Promise<T>) => expect.poll(work, { timeout: 8_000, interval: 10 })

/** The answer of the mock as these tests set it. */
export const WHOLE = Array.from({ length: 20 }, (_, index) => `word${index + 1} `).join('')

export function useBench(): Bench {
  let test: TestDatabase | undefined
  let db: Database | undefined
  let mock: MockModel | undefined
  const sent: Sent[] = []
  const workers: TestWorker[] = []
  const there = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('only inside a test')
    return value
  }

  beforeAll(async () => {
    test = await createTestDatabase()
    db = countingDatabase(test.url, sent, 16)
  })
  afterAll(async () => {
    await db?.close()
    await test?.drop()
  })
  beforeEach(async () => {
    mock = await startMockModel({ first_token_ms: 10, tokens_per_second: 1000, tokens: 20 })
  })
  afterEach(async () => {
    await Promise.all(workers.splice(0).map(({ worker }) => worker.stop()))
    await mock?.close()
    // Runs of one test must not be found by the workers of the next.
    await db?.query('delete from run_queue')
  })

  return {
    sent,
    get db() {
      return there(db)
    },
    get mock() {
      return there(mock)
    },
    async work(more = {}) {
      const made = testWorker(more.db ?? there(db), more.model ?? modelAt(there(mock).url), more)
      workers.push(made)
      await made.worker.start()
      return made
    },
  }
}
