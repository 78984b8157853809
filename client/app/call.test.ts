import { describe, expect, it } from 'vitest'
import { address, errorOf } from './call.ts'

describe('the address of a call', () => {
  it('fills in parameters and leaves out what is not given', () => {
    expect(address('/api/agents/:agent_id/versions', { agent_id: 'a/b' }, {})).toBe('/api/agents/a%2Fb/versions')
    expect(address('/api/store/agents', {}, { q: '审 合同', category: undefined })).toBe(
      '/api/store/agents?q=%E5%AE%A1+%E5%90%88%E5%90%8C',
    )
  })
})

describe('a failed call', () => {
  it('carries our code and parameters', () => {
    expect(
      errorOf(409, { error: { code: 'agent/draft-conflict', message: 'x', params: { revision: 3 } } }),
    ).toMatchObject({
      kind: 'user',
      code: 'agent/draft-conflict',
      params: { revision: 3 },
    })
  })

  it('goes by its status when the body is not ours', () => {
    expect(errorOf(401, undefined).code).toBe('auth/required')
    expect(errorOf(502, '<html>')).toMatchObject({ kind: 'operational', code: 'server/unavailable' })
    expect(errorOf(404, { error: { code: 'made-up' } }).code).toBe('request/not-found')
  })
})
