import { expect, test } from 'vitest'
import { parseFrame } from './client-frame.ts'

test('the frames of the protocol are read', () => {
  const poll = { t: 'poll', id: 7, shape: 'messages', query: { offset: '-1', live: 'true' } }
  for (const frame of [{ t: 'ping' }, { t: 'poll.cancel', id: 7 }, poll]) {
    expect(parseFrame(JSON.stringify(frame))).toEqual(frame)
  }
})

test.each([
  'not json',
  'null',
  '[]',
  '{"t":"shout"}',
  '{"t":"poll.cancel"}',
  '{"t":"poll.cancel","id":1.5}',
  '{"t":"poll.cancel","id":9007199254740993}',
  '{"t":"poll","id":1,"shape":"chats","query":[]}',
  '{"t":"poll","id":1,"shape":"chats","query":{"offset":1}}',
  JSON.stringify({
    t: 'poll',
    id: 1,
    shape: 'chats',
    query: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`q${index}`, ''])),
  }),
])('%s is no frame', (text) => {
  expect(parseFrame(text)).toBeUndefined()
})
