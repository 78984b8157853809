import { Annotation, END, START, StateGraph } from '@langchain/langgraph'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase, type Database } from '../../kernel/db.ts'
import { createTestDatabase, type TestDatabase } from '../../kernel/testing/index.ts'
import { log } from '../testing/rig.ts'
import { RunSaver } from './saver.ts'

let test: TestDatabase
let db: Database
beforeAll(async () => {
  test = await createTestDatabase()
  db = openDatabase({ url: test.url, size: 4, name: 'test', log })
})
afterAll(async () => {
  await db.close()
  await test.drop()
})

const State = Annotation.Root({ words: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }) })

function graph() {
  return new StateGraph(State)
    .addNode('first', () => ({ words: ['first'] }))
    .addNode('second', () => ({ words: ['second'] }))
    .addEdge(START, 'first')
    .addEdge('first', 'second')
    .addEdge('second', END)
    .compile({ checkpointer: new RunSaver(db) })
}

describe('the saver', () => {
  it('keeps forks of one checkpoint apart', async () => {
    const compiled = graph()
    const thread = { configurable: { thread_id: 'forks' } }
    await compiled.invoke({ words: ['in'] }, thread)
    const history = []
    for await (const state of compiled.getStateHistory(thread)) history.push(state)
    const base = history.find((state) => state.next[0] === 'second')
    expect(base).toBeDefined()
    if (!base) return
    const forks = []
    for (const name of ['a', 'b', 'c']) forks.push(await compiled.updateState(base.config, { words: [name] }, 'first'))
    const seen = []
    for (const fork of forks) seen.push((await compiled.getState(fork)).values.words)
    expect(seen).toEqual(['a', 'b', 'c'].map((name) => ['in', 'first', name]))
    const ends = []
    for (const fork of forks) ends.push((await compiled.invoke(null, fork)).words)
    expect(ends).toEqual(['a', 'b', 'c'].map((name) => ['in', 'first', name, 'second']))
  })

  it('makes versions that order and never meet', () => {
    const saver = new RunSaver(db)
    const one = saver.getNextVersion(undefined)
    const next = Array.from({ length: 100 }, () => saver.getNextVersion(one))
    expect(next.every((version) => version > one && Number.isSafeInteger(version))).toBe(true)
    expect(new Set(next).size).toBe(100)
  })

  it('goes on where a graph stopped', async () => {
    const compiled = graph()
    const thread = { configurable: { thread_id: 'resume' } }
    await compiled.invoke({ words: ['in'] }, { ...thread, interruptBefore: ['second'] })
    expect((await graph().invoke(null, thread)).words).toEqual(['in', 'first', 'second'])
  })
})
