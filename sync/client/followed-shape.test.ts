import { expect, test } from 'vitest'
import type { PollReplyFrame } from '../protocol/socket.ts'
import { FollowedShape } from './followed-shape.ts'
import type { PollSink } from './socket.ts'

/** A socket in the tester's hand. */
function line() {
  const asked: { offset: string | undefined; sink: PollSink; cancelled: boolean }[] = []
  let up = true
  return {
    asked,
    cut() {
      up = false
      for (const { sink } of asked) sink.lost()
    },
    follow(_shape: string, query: Record<string, string>, sink: PollSink) {
      if (!up) return undefined
      const question = { offset: query['offset'], sink, cancelled: false }
      asked.push(question)
      return () => {
        question.cancelled = true
      }
    },
  }
}

const at = (offset: number) => ({ handle: 'h', offset: `${offset}_0`, live: 'true' })

function answer(end: number, more?: true): PollReplyFrame {
  const headers = { 'electric-handle': 'h', 'electric-offset': `${end}_0` }
  return { t: 'poll.reply', id: 1, status: 200, headers, body: `to ${end}`, more }
}

test('asks once, and hands out what the server sends in its order', async () => {
  const socket = line()
  const chats = new FollowedShape(socket, 'chats')
  const first = chats.read(at(1))
  socket.asked[0]?.sink.reply(answer(2, true))
  expect((await first).body).toBe('to 2')
  socket.asked[0]?.sink.reply(answer(3, true))
  socket.asked[0]?.sink.reply(answer(4, true))
  expect([(await chats.read(at(2))).body, (await chats.read(at(3))).body]).toEqual(['to 3', 'to 4'])
  expect(socket.asked.map(({ offset }) => offset)).toEqual(['1_0'])
})

test('asks again behind an answer after which no other comes by itself', async () => {
  const socket = line()
  const chats = new FollowedShape(socket, 'chats')
  const first = chats.read(at(1))
  socket.asked[0]?.sink.reply(answer(2))
  await first
  const second = chats.read(at(2))
  socket.asked[1]?.sink.reply(answer(3, true))
  expect((await second).body).toBe('to 3')
})

test('a read from elsewhere gives up what was followed, and reads nothing of it', async () => {
  const socket = line()
  const chats = new FollowedShape(socket, 'chats')
  const first = chats.read(at(1))
  socket.asked[0]?.sink.reply(answer(2, true))
  await first
  socket.asked[0]?.sink.reply(answer(3, true))
  const elsewhere = chats.read(at(7))
  expect(socket.asked[0]?.cancelled).toBe(true)
  socket.asked[0]?.sink.reply(answer(4, true))
  socket.asked[1]?.sink.reply(answer(8, true))
  expect((await elsewhere).body).toBe('to 8')
})

test('a read that is abandoned ends what was followed, and the next asks from where the reader stands', async () => {
  const socket = line()
  const chats = new FollowedShape(socket, 'chats')
  const abort = new AbortController()
  const first = chats.read(at(1), abort.signal)
  abort.abort()
  await expect(first).rejects.toMatchObject({ name: 'AbortError' })
  expect(socket.asked[0]?.cancelled).toBe(true)
  socket.asked[0]?.sink.reply(answer(2, true))
  const again = chats.read(at(1))
  socket.asked[1]?.sink.reply(answer(3, true))
  expect((await again).body).toBe('to 3')
  await expect(chats.read(at(3), AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
})

test('a line that drops fails the read that waits, not what has already come', async () => {
  const socket = line()
  const chats = new FollowedShape(socket, 'chats')
  const first = chats.read(at(1))
  socket.asked[0]?.sink.reply(answer(2, true))
  socket.asked[0]?.sink.reply(answer(3, true))
  socket.cut()
  expect([(await first).body, (await chats.read(at(2))).body]).toEqual(['to 2', 'to 3'])
  await expect(chats.read(at(3))).rejects.toThrow('socket is down')
})

test('a reader who falls far behind stops the server, reads what is there, and asks on', async () => {
  const socket = line()
  const chats = new FollowedShape(socket, 'chats')
  const first = chats.read(at(0))
  for (let end = 1; end <= 70; end++) if (!socket.asked[0]?.cancelled) socket.asked[0]?.sink.reply(answer(end, true))
  expect((await first).body).toBe('to 1')
  let end = 1
  while (socket.asked.length === 1) {
    const read = chats.read(at(end))
    end += 1
    socket.asked[1]?.sink.reply(answer(end, true))
    expect((await read).body).toBe(`to ${end}`)
  }
  expect(socket.asked[1]?.offset).toBe('64_0')
})
