// Run by embedded.pg.test.ts as a process of its own: starts Postgres on argv[2], prints one line of JSON, then waits.
// Exit code 1 and the message on stderr when it cannot. SIGTERM stops in order.
import { ConfigurationError } from '../configuration-error.ts'
import { startEmbeddedPostgres } from '../postgres/embedded.ts'

const dataDir = process.argv[2] ?? ''
try {
  const postgres = await startEmbeddedPostgres({ dataDir, log: () => undefined, settings: { fsync: 'off' } })
  // Before the line that tells the test to go on: it may send the signal at once.
  process.on('SIGTERM', () => void postgres.stop().then(() => process.exit(0)))
  console.log(
    JSON.stringify({ url: postgres.url, socketUrl: postgres.socketUrl, pid: postgres.pid, adopted: postgres.adopted }),
  )
  setInterval(() => undefined, 60_000)
} catch (error) {
  console.error(error instanceof ConfigurationError ? error.message : error)
  process.exit(1)
}
