import type { AddressInfo } from 'node:net'
import { openDatabase, type Database } from '../../kernel/db.ts'
import { createLog } from '../../kernel/log.ts'
import { createTestDatabase, makeDataDir } from '../../kernel/testing/index.ts'
import { composeApplication, type Application } from '../compose.ts'
import { readEnvironment } from '../env.ts'
import { createDevice, type Device } from './browserless.ts'

export interface TestServer {
  origin: string
  db: Database
  application: Application
  /** A new account, signed in on a device of its own. */
  person(roles?: readonly string[]): Promise<Device & { user_id: string; email: string }>
  stop(): Promise<void>
}

const PASSWORD = 'a long enough password'
let people = 0

/** The whole product in this process, on a database of its own and a free port. */
export async function startTestServer(env: Record<string, string> = {}): Promise<TestServer> {
  const database = await createTestDatabase()
  const dataDir = makeDataDir()
  const log = createLog(process.env['TEST_LOG'] ?? 'silent')
  const environment = readEnvironment({ DATA_DIR: dataDir.path, DATABASE_URL: database.url, PORT: '0', ...env })
  const application = await composeApplication(environment, { url: database.url, direct: database.url }, log)
  await application.start()
  await new Promise<void>((resolve) => application.server.listen(0, '127.0.0.1', resolve))
  const address: AddressInfo | string | null = application.server.address()
  if (typeof address !== 'object' || !address) throw new Error('the server has no address')
  const origin = `http://127.0.0.1:${address.port}`
  const db = openDatabase({ url: database.url, size: 4, name: 'test', log })

  return {
    origin,
    db,
    application,
    async person(roles) {
      people += 1
      const device = createDevice(origin)
      const email = `person${people}@example.com`
      const reply = await device.request('POST', '/api/auth/sign-up/email', {
        name: `Person ${people}`,
        email,
        password: PASSWORD,
      })
      if (reply.status !== 200) throw new Error(`sign-up answered ${reply.status}: ${reply.text}`)
      const [user] = await db.query<{ id: string }>('select id from users where email = $1', [email])
      const user_id = user?.id ?? ''
      if (roles) await db.query('update users set roles = $2 where id = $1', [user_id, roles])
      return Object.assign(device, { user_id, email })
    },
    async stop() {
      await application.stop()
      await db.close()
      await database.drop()
      dataDir.remove()
    },
  }
}
