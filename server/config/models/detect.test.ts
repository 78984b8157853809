import { createServer } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { createLog } from '../../kernel/log.ts'
import { startMockModel } from '../../app/testing/mock-model.ts'
import { demoModel } from './demo.ts'
import { detectModels, type DetectOptions } from './detect.ts'
import type { ModelProviders } from './provider.ts'

const open: { stop(): Promise<void> }[] = []
afterEach(() => Promise.all(open.splice(0).map((each) => each.stop())))

async function mockAt(more = {}) {
  const mock = await startMockModel({ first_token_ms: 1, ...more })
  open.push({ stop: mock.close })
  return mock
}

async function detect(options: Partial<DetectOptions>): Promise<ModelProviders> {
  const models = detectModels({ log: createLog('silent'), ollama_url: 'http://127.0.0.1:9', ...options })
  open.unshift(models)
  await models.start()
  return models
}

/** A port that nothing listens on yet. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

describe('the choice of a provider', () => {
  it('takes what the environment names', async () => {
    const { url } = await mockAt()
    const provider = (await detect({ openai: { base_url: url, model: 'named' } })).current()
    expect(provider).toMatchObject({ kind: 'openai', default_model: 'named' })
  })

  it('takes the first model of the provider when none is named', async () => {
    const { url } = await mockAt()
    expect((await detect({ openai: { base_url: url } })).current().default_model).toBe('mock')
  })

  it('takes Ollama when it runs', async () => {
    const { url } = await mockAt()
    expect((await detect({ ollama_url: url.replace('/v1', '') })).current()).toMatchObject({
      kind: 'ollama',
      default_model: 'mock',
    })
  })

  it('demonstrates until Ollama appears', async () => {
    const port = await freePort()
    const models = await detect({ ollama_url: `http://127.0.0.1:${port}`, look_ms: 20 })
    expect(models.current().kind).toBe('demo')
    await mockAt({ port })
    await expect.poll(() => models.current().kind).toBe('ollama')
  })
})

describe('the demonstration model', () => {
  it('streams the same labelled answer every time, and says what it is in both languages', async () => {
    const ask = async () => {
      const pieces: string[] = []
      const result = await demoModel({ pace_ms: 0 }).stream(
        { messages: [{ role: 'user', content: '你好 world' }] },
        new AbortController().signal,
        (event) => {
          if (event.type === 'text') pieces.push(event.text)
        },
      )
      expect(pieces.join('')).toBe(result.text)
      expect(pieces.length).toBeGreaterThan(50)
      return result
    }
    const first = await ask()
    expect(first).toMatchObject({ demo: true, model: 'banyan-demo' })
    expect(first.text).toContain('你好 world')
    expect(first.text).toMatch(/演示模型[\s\S]*not a real language model[\s\S]*OPENAI_BASE_URL[\s\S]*Ollama/)
    expect((await ask()).text).toBe(first.text)
  })
})
