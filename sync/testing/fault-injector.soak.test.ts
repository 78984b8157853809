import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { newId } from '../../shared/kernel/id.ts'
import { createDevice } from '../../server/app/testing/browserless.ts'
import { DeviceHandle } from './injector/device-handle.ts'
import { Oracle } from './injector/oracle.ts'
import { seeded } from './injector/random.ts'
import { ADMIN, pause, ServerHandle } from './injector/server-handle.ts'
import { troublesFor, type Field } from './injector/troubles.ts'
import { SEED } from './seed.ts'

const MINUTES = Number(process.env['BANYAN_FAULTS_MINUTES'] ?? 60)
const DEVICES = Number(process.env['BANYAN_FAULTS_DEVICES'] ?? 2)
const MINUTE = 60_000
/** Longest time until everything is in step once nothing goes wrong any more, ms. */
const PATIENCE_MS = 5 * MINUTE

const say = (text: string) => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`)

test(
  `${MINUTES} minutes of faults lose nothing that was acknowledged, double nothing, and leave every replica as the server is [seed ${SEED}]`,
  async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'banyan-faults-'))
    // Postgres runs as another account
    chmodSync(folder, 0o711)
    const server = await ServerHandle.create(folder)
    const devices: DeviceHandle[] = []
    try {
      await server.start()
      const { user_id, cookie, agent_id, draft_id } = await signIn(server)
      for (let number = 1; number <= DEVICES; number++) {
        const own = path.join(folder, `device-${number}`)
        devices.push(
          new DeviceHandle({
            origin: server.origin,
            user_id,
            cookie,
            folder: own,
            agent_id,
            draft_id,
            seed: SEED + number * 1000,
            off: 0,
          }),
        )
      }
      for (const device of devices) await device.start()
      const oracle = new Oracle(server, devices, user_id)
      await agree(oracle, 'before any fault')
      const counts = await trouble({ server, devices, random: seeded(SEED) }, oracle)
      say(`faults: ${[...counts].map(([name, times]) => `${times} × ${name}`).join(', ')}`)
      const writes = devices.map(({ acknowledged }) => acknowledged.length)
      const faults = await oracle.faults()
      say(`${writes.join(' + ')} writes acknowledged; ${faults.length} faults`)
      expect([...faults, ...devices.flatMap(({ broken }) => broken)]).toEqual([])
      expect(Math.min(...writes)).toBeGreaterThan(0)
    } catch (error) {
      say(server.said.slice(-3000))
      throw error
    } finally {
      for (const device of devices) await device.kill()
      await server.remove()
      rmSync(folder, { recursive: true, force: true })
    }
  },
  (MINUTES + 15) * MINUTE,
)

/** One fault after another; now and then a rest, in which everything must come to agree. */
async function trouble(field: Field, oracle: Oracle): Promise<Map<string, number>> {
  const { server, devices, random } = field
  const counts = new Map<string, number>()
  const troubles = troublesFor(server)
  const end = Date.now() + MINUTES * MINUTE
  while (Date.now() < end) {
    for (const device of devices) device.write(true)
    const rest = Math.min(end, Date.now() + 2 * MINUTE)
    while (Date.now() < rest) {
      const chosen = troubles[random(troubles.length)]
      if (!chosen) break
      await chosen.run(field)
      counts.set(chosen.name, (counts.get(chosen.name) ?? 0) + 1)
      await pause(random(5000))
    }
    for (const device of devices) {
      device.write(false)
      device.line(true)
      device.clock(0)
    }
    await server.startIfEnded()
    await agree(oracle, `after ${[...counts.values()].reduce((sum, one) => sum + one, 0)} faults`)
  }
  return counts
}

async function agree(oracle: Oracle, when: string): Promise<void> {
  const began = Date.now()
  let differences: string[] = []
  while (Date.now() - began < PATIENCE_MS) {
    differences = await oracle.differences().catch((error: unknown) => [String(error)])
    if (differences.length === 0) return say(`${when}: in step after ${Date.now() - began} ms`)
    await pause(500)
  }
  throw new Error(`${when}, not in step: ${differences.slice(0, 20).join('\n')}`)
}

/** The administrator, with an agent whose draft all devices edit. */
async function signIn(server: ServerHandle) {
  const device = createDevice(server.origin)
  const reply = await device.request('POST', '/api/auth/sign-in/email', ADMIN)
  expect(reply.status, reply.text).toBe(200)
  const [agent_id, draft_id] = [newId(), newId()]
  const fields = { name: 'an agent', system_prompt: Array.from({ length: 30 }, (_, line) => `line ${line}`).join('\n') }
  const { results } = await device.push({ name: 'agent.create', args: { agent_id, draft_id, fields } })
  expect(results).toMatchObject([{ status: 'applied' }])
  const [user] = await server.query<{ id: string }>('select id::text as id from users where email = $1', [ADMIN.email])
  return { user_id: user?.id ?? '', cookie: device.cookie, agent_id, draft_id }
}
