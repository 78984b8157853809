import { afterAll, beforeAll, expect, it } from 'vitest'
import { firstMessage } from './testing/browserless.ts'
import { startTestServer, type TestServer } from './testing/start-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())

it('labels what the demonstration model says, in the text and in the row', async () => {
  const anna = await server.person()
  const session = (await anna.request('GET', '/api/session')).json()
  expect(session['model']).toMatchObject({ kind: 'demo' })
  const socket = await anna.socket()
  const [agent] = await server.db.query<{ agent_id: string; agent_version_id: string }>(
    "select agent_id, v.id as agent_version_id from agent_versions v join agents a on a.id = v.agent_id where slug = 'assistant' and is_current",
  )
  const message = firstMessage({ agent_id: agent?.agent_id ?? '', agent_version_id: agent?.agent_version_id ?? '' })
  await anna.push({ name: 'message.send', args: message })
  await socket.until((frame) => frame.t === 'run.end' && frame.run === message.execution_id, 25_000)
  const [, answer] = await anna.query<{ content: string; metadata: Record<string, unknown> }>('chat.messages', {
    chat_id: message.chat_id,
  })
  expect(answer?.content).toMatch(/^\*\*演示模型 · Demonstration model\*\*/)
  expect(answer?.metadata).toMatchObject({ demo: true })
  socket.close()
}, 30_000)
