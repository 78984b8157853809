import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../../../shared/kernel/errors.ts'
import { startMockModel, type MockFault, type MockModel, type MockModelOptions } from '../../app/testing/mock-model.ts'
import { OpenAiCompatible } from './openai-compatible.ts'

const fast = { first_token_ms: 5, tokens_per_second: 2000, tokens: 20 }
const patience = { connect: 500, first: 300, idle: 200 }
const key = 'sk-secret-1234'
let mock: MockModel
let provider: OpenAiCompatible

beforeEach(async () => {
  mock = await startMockModel(fast)
  provider = connect(mock.url)
})
afterEach(async () => {
  await provider.close()
  await mock.close()
})

function connect(base_url: string): OpenAiCompatible {
  return new OpenAiCompatible({ kind: 'openai', base_url, api_key: key, default_model: 'mock', patience, retry_ms: 5 })
}

async function ask(signal = new AbortController().signal) {
  const texts: string[] = []
  const messages = [{ role: 'user', content: 'hello' }] as const
  const outcome = await provider
    .stream({ messages }, signal, (event) => event.type === 'text' && texts.push(event.text))
    .then(
      (result) => ({ result, error: undefined }),
      (error: unknown) => ({ result: undefined, error }),
    )
  return { ...outcome, text: texts.join('') }
}

const whole = Array.from({ length: 20 }, (_, index) => `word${index + 1} `).join('')
const fail = (fault: MockFault, more: Partial<MockModelOptions> = {}) => mock.set({ fault, ...more })
const codeOf = (error: unknown) => (error instanceof AppError ? error.code : error)

describe('an OpenAI-compatible provider', () => {
  it('streams the answer and reports model, usage and key', async () => {
    const { result, text } = await ask()
    expect(text).toBe(whole)
    expect(result).toMatchObject({
      text: whole,
      model: 'mock',
      demo: false,
      finish_reason: 'stop',
      usage: { prompt: 2, completion: 20 },
      retries: 0,
    })
    expect(mock.requests[0]).toMatchObject({ path: '/v1/chat/completions', authorization: `Bearer ${key}` })
  })

  it('accepts every spelling of the base URL', async () => {
    for (const url of [`${mock.url}/`, mock.url.replace('/v1', ''), mock.url.replace('/v1', '/')]) {
      await provider.close()
      provider = connect(url)
      expect((await ask()).text).toBe(whole)
    }
  })

  it('finds a server that has no /v1 and asks it directly from then on', async () => {
    mock.set({ prefix: '' })
    await provider.close()
    provider = connect(mock.url.replace('/v1', ''))
    await ask()
    expect((await ask()).text).toBe(whole)
    expect(mock.requests.map((request) => request.path)).toEqual([
      '/v1/chat/completions',
      '/chat/completions',
      '/chat/completions',
    ])
  })

  it('reads an answer that does not stream', async () => {
    fail('no-stream')
    expect((await ask()).text).toBe(whole)
  })

  it('asks without stream_options when they are refused', async () => {
    fail('no-usage')
    expect((await ask()).result).toMatchObject({ text: whole, usage: undefined })
  })

  it.each<[MockFault, string]>([
    ['error', 'model/unavailable'],
    ['hang', 'model/timed-out'],
    ['stall', 'model/timed-out'],
    ['half-close', 'model/interrupted'],
    ['reset', 'model/interrupted'],
    ['rubbish', 'model/bad-answer'],
    ['bad-json', 'model/bad-answer'],
    ['wrong-types', 'model/bad-answer'],
    ['endless-line', 'model/bad-answer'],
    ['error-event', 'model/interrupted'],
    ['silence', 'model/bad-answer'],
    ['empty', 'model/bad-answer'],
    ['unauthorized', 'model/refused'],
    ['not-found', 'model/not-found'],
  ])('turns %s into %s', async (fault, code) => {
    fail(fault)
    expect(codeOf((await ask()).error)).toBe(code)
  })

  it.each<MockFault>(['no-done', 'only-done', 'late-reset'])(
    'takes an answer for whole that says so and does not end (%s)',
    async (fault) => {
      fail(fault)
      const { result, text } = await ask()
      expect(text).toBe(whole)
      expect(result?.text).toBe(whole)
      await expect.poll(() => mock.aborted).toBe(1)
    },
  )

  it('ends thinking without an end when it is stopped', async () => {
    fail('endless-reasoning')
    const { error, text } = await ask(AbortSignal.timeout(600))
    expect(String(error)).toContain('timeout')
    expect(text).toBe('')
    await expect.poll(() => mock.aborted).toBe(1)
  })

  it.each<MockFault>(['half-close', 'reset', 'stall', 'endless-line', 'error-event'])(
    'keeps the text that came before %s and does not ask again',
    async (fault) => {
      fail(fault)
      const { text } = await ask()
      expect(whole.startsWith(text) && text.length > 20).toBe(true)
      expect(mock.requests).toHaveLength(1)
    },
  )

  it('tries again after a 500 before the first token', async () => {
    fail('error', { fault_times: 2 })
    expect((await ask()).result).toMatchObject({ text: whole, retries: 2 })
  })

  it('waits as long as Retry-After says', async () => {
    fail('rate-limit', { fault_times: 1, retry_after_seconds: 0.3 })
    const started = performance.now()
    expect((await ask()).text).toBe(whole)
    expect(performance.now() - started).toBeGreaterThan(290)
  })

  it('does not wait for a Retry-After beyond its patience', async () => {
    fail('rate-limit', { retry_after_seconds: 3600 })
    expect(codeOf((await ask()).error)).toBe('model/rate-limited')
    expect(mock.requests).toHaveLength(1)
  })

  it('says unavailable when nothing listens', async () => {
    await mock.close()
    expect(codeOf((await ask()).error)).toBe('model/unavailable')
  })

  it.each<MockFault>(['unauthorized', 'error-event'])('never repeats the key (%s)', async (fault) => {
    fail(fault)
    const { error } = await ask()
    expect(JSON.stringify(error) + String(error)).not.toContain(key)
  })

  it('ends with the reason of an aborted signal and closes the connection', async () => {
    mock.set({ tokens: 1000, tokens_per_second: 100 })
    const controller = new AbortController()
    setTimeout(() => controller.abort(new Error('stop')), 60)
    const { error, text } = await ask(controller.signal)
    expect(String(error)).toContain('stop')
    expect(text.length).toBeGreaterThan(0)
    await expect.poll(() => mock.aborted).toBe(1)
  })

  it('lists models', async () => {
    expect(await provider.list()).toEqual(['mock'])
  })
})
