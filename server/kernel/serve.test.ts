import { expect, it } from 'vitest'
import { operationalError, toAppError, userError } from '../../shared/kernel/errors.ts'
import { publicMessage, requestError } from './serve.ts'

it('tells callers what they did, and nothing of what is behind the server', () => {
  expect(publicMessage(userError('row/not-found', {}, 'no such chat'))).toBe('no such chat')
  expect(publicMessage(operationalError('model/refused', {}, 'the model refused'))).toBe('the model refused')
  const hidden = [
    operationalError('server/unavailable', {}, 'connect ECONNREFUSED 10.0.0.5:5432'),
    operationalError('server/unavailable', {}, 'could not extend file "base/16384/17435_fsm"'),
    toAppError(new TypeError('x is not a function at /srv/banyan/server/chat.ts')),
  ]
  for (const error of hidden) expect(publicMessage(error)).not.toMatch(/\d|base|srv/)
})

it('takes what the body parser cannot read for the caller’s fault, and nothing else', () => {
  const parser = (status: number, type?: string) => Object.assign(new Error('unreadable'), { status, type })
  expect(requestError(parser(400, 'entity.parse.failed'))?.code).toBe('request/malformed-json')
  expect(requestError(parser(413))?.code).toBe('request/too-large')
  expect(requestError(parser(415, 'charset.unsupported'))?.code).toBe('request/invalid')
  expect(requestError(parser(400))?.code).toBe('request/invalid')
  expect(requestError(parser(500))).toBeUndefined()
  expect(requestError(new Error('a bug'))).toBeUndefined()
  expect(requestError(userError('auth/required'))).toBeUndefined()
})
