import { cp, mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { newId } from '../../shared/kernel/id.ts'
import { openDatabase } from '../kernel/db.ts'
import { createLog } from '../kernel/log.ts'
import { migrate } from '../kernel/migrate.ts'
import { createTestDatabase, makeDataDir } from '../kernel/testing/index.ts'
import { ask, newAgent, newChat } from '../workflow/testing/rig.ts'

const migrations = path.resolve(import.meta.dirname, '../../migrations')

it('chats of API callers that are there already become hidden, with their messages and runs; others do not', async () => {
  const database = await createTestDatabase({ empty: true })
  const data = makeDataDir()
  const db = openDatabase({ url: database.url, size: 2, name: 'test', log: createLog('silent') })
  try {
    const before = path.join(data.path, 'migrations')
    await mkdir(before)
    for (const file of await readdir(migrations))
      if (/^000[1-4]_/.test(file)) await cp(path.join(migrations, file), path.join(before, file))
    await migrate(database.url, before)
    const agent = await newAgent(db)
    const chats = { api: await newChat(db, agent), app: await newChat(db, agent) }
    await db.query(`update chats set source = 'api' where id = $1`, [chats.api])
    for (const chat of Object.values(chats)) {
      await ask(db, agent, chat, 'hello')
      await db.query(
        `insert into langgraph.checkpoints (thread_id, checkpoint_id, checkpoint)
         select thread_id, $2, '{}' from workflow_executions where chat_id = $1`,
        [chat, newId()],
      )
    }

    await migrate(database.url, migrations)

    const hidden = (table: string, column: string) =>
      db.query(`select ${column} as chat_id, hidden from ${table} group by 1, 2 order by 2 desc`)
    const expected = [
      { chat_id: chats.api, hidden: true },
      { chat_id: chats.app, hidden: false },
    ]
    expect(await hidden('chats', 'id')).toEqual(expected)
    expect(await hidden('chat_messages', 'chat_id')).toEqual(expected)
    expect(await hidden('workflow_executions', 'chat_id')).toEqual(expected)
    // However a run goes, its checkpoints go with it.
    await db.query('delete from chats where id = $1', [chats.api])
    const kept = await db.query<{ thread_id: string }>('select thread_id from langgraph.checkpoints')
    expect(kept.map(({ thread_id }) => thread_id)).toEqual([expect.stringContaining(`chat_${chats.app}:`)])
  } finally {
    await db.close()
    await database.drop()
    data.remove()
  }
})
