import { expect, it } from 'vitest'
import { failureOf } from './auth.ts'

it('puts what better-auth says into our words', () => {
  expect(failureOf(401, { code: 'INVALID_EMAIL_OR_PASSWORD' })).toEqual({ ok: false, problem: 'wrong-password' })
  expect(failureOf(422, { code: 'USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL' })).toEqual({ ok: false, problem: 'taken' })
})

it('keeps our own codes, in either shape', () => {
  expect(failureOf(403, { code: 'auth/sign-up-closed' })).toMatchObject({ error: { code: 'auth/sign-up-closed' } })
  expect(failureOf(429, { error: { code: 'request/rate-limited' } })).toMatchObject({
    error: { code: 'request/rate-limited' },
  })
})

it('takes any other 401 at sign-in for a wrong password', () => {
  expect(failureOf(401, undefined)).toEqual({ ok: false, problem: 'wrong-password' })
})
