import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { ConfigurationError, projectRoot, readEnvironment, type Environment } from './env.ts'
import { composeApplication, type Application } from './compose.ts'
import { createLog, type Log } from '../kernel/log.ts'
import { makeFolders } from '../kernel/make-folders.ts'
import { migrate } from '../kernel/migrate.ts'
import { errorCode } from '../kernel/configuration-error.ts'
import { checkDatabase } from '../kernel/postgres/check.ts'
import { startEmbeddedPostgres } from '../kernel/postgres/embedded.ts'
import { sqlState } from '../kernel/db.ts'

/** How long a stop may take before we leave anyway. */
const STOP_WITHIN_MS = 25_000

const say = (text: string) => process.stdout.write(`${text}\n`)

async function main(): Promise<void> {
  const env = readEnvironment(process.env)
  const log = createLog(env.logLevel)
  makeDataDir(env.dataDir)
  const leaving = new AbortController()
  let starting: Promise<RunningDatabase> | undefined
  let application: Application | undefined

  const stop = async (code: number): Promise<void> => {
    // Ctrl-C reaches npm's children twice; only the first signal counts.
    if (leaving.signal.aborted) return
    leaving.abort()
    setTimeout(() => process.exit(code || 1), STOP_WITHIN_MS).unref()
    await application?.stop().catch((error: unknown) => log.error({ event: 'stop.failed', reason: String(error) }))
    // A database that is still starting is given up by the signal; one that has started is stopped here.
    const database = await starting?.catch(() => undefined)
    await database?.stop()
    process.exit(code)
  }
  // Before anything is started: whoever stops us while Postgres starts must not leave one behind.
  process.on('SIGTERM', () => void stop(0))
  process.on('SIGINT', () => void stop(0))
  // What nobody caught leaves the process in a state that nobody knows: others take its runs over.
  process.on('uncaughtException', (error) => {
    log.fatal({ event: 'bug.uncaught', reason: error.stack ?? String(error) })
    void stop(1)
  })
  process.on('unhandledRejection', (reason) =>
    log.error({ event: 'bug.unhandled', reason: reason instanceof Error ? reason.stack : String(reason) }),
  )

  try {
    starting = startDatabase(env, log, leaving.signal)
    const { url, direct } = await starting
    await migrate(url, path.join(projectRoot, 'migrations'))
    application = await composeApplication(env, { url, direct }, log)
    await application.start()
    sayParts(env, log)
    await listen(application, env)
  } catch (error) {
    // Whoever stops a server that is still starting needs no list of what then failed.
    if (!leaving.signal.aborted) report(error)
    await stop(1)
    return
  }
  await greet(application, env)
}

function makeDataDir(dataDir: string): void {
  try {
    // Root's Postgres runs as another account, which must pass through; the secrets inside are 0600 each.
    makeFolders(dataDir, process.getuid?.() === 0 ? 0o711 : 0o700)
  } catch (error) {
    const code = errorCode(error) ?? String(error)
    throw new ConfigurationError(
      `DATA_DIR（${dataDir}）不能写入：${code}。请换一个目录或修改权限。`,
      `DATA_DIR (${dataDir}) cannot be written: ${code}. Choose another folder or change its permissions.`,
    )
  }
}

interface RunningDatabase {
  url: string
  direct: string
  stop: () => Promise<void>
}

async function startDatabase(env: Environment, log: Log, signal: AbortSignal): Promise<RunningDatabase> {
  if (env.databaseUrl) {
    const direct = env.databaseDirectUrl ?? env.databaseUrl
    await checkDatabase(direct)
    return { url: env.databaseUrl, direct, stop: async () => undefined }
  }
  const postgres = await startEmbeddedPostgres({
    dataDir: env.dataDir,
    signal,
    log: (event, fields) => log.debug({ event, ...fields }),
  })
  return { url: postgres.url, direct: postgres.url, stop: () => postgres.stop() }
}

function listen(application: Application, env: Environment): Promise<void> {
  return new Promise((resolve, reject) => {
    application.server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') {
        reject(
          new ConfigurationError(
            `端口 ${env.port} 已被占用：请关闭占用它的程序，或用 PORT=8788 npm start 换一个端口。`,
            `Port ${env.port} is taken: stop the program that uses it, or choose another with PORT=8788 npm start.`,
          ),
        )
      } else if (error.code === 'EACCES' || error.code === 'EADDRNOTAVAIL') {
        reject(
          new ConfigurationError(
            `不能监听 ${env.host}:${env.port}（${error.code}）：请检查 HOST 和 PORT。`,
            `Cannot listen on ${env.host}:${env.port} (${error.code}): check HOST and PORT.`,
          ),
        )
      } else reject(error)
    })
    application.server.listen(env.port, env.host, resolve)
  })
}

/** Names that BANYAN_SERVICES knows, and that nothing stands behind yet. */
const TO_COME: ReadonlySet<string> = new Set(['mcp'])

/** What this process plays, and what works but is perhaps not what the person meant. */
function sayParts({ services, host, publicUrlSet, loopbackOnly }: Environment, log: Log): void {
  const names = [...services]
  const to_come = names.filter((name) => TO_COME.has(name))
  log.info({ event: 'services', plays: names.filter((name) => !TO_COME.has(name)), to_come })
  if (publicUrlSet || loopbackOnly || !services.has('web')) return
  process.stderr.write(
    `HOST=${host} 而没有 PUBLIC_URL：只接受用 IP 地址或 localhost 的访问。请把 PUBLIC_URL 设为大家使用的地址。\n` +
      `HOST=${host} without PUBLIC_URL: only IP addresses and localhost are answered to. Set PUBLIC_URL to the address people use.\n`,
  )
}

async function greet(application: Application, env: Environment): Promise<void> {
  const address: AddressInfo | string | null = application.server.address()
  const port = typeof address === 'object' && address ? address.port : env.port
  const url = env.port === 0 ? `http://${env.host}:${port}` : env.publicUrl
  if (!env.services.has('web')) {
    say(`\n  榕 Banyan  ${[...env.services].join(', ')}  http://${env.host}:${port}/api/health\n`)
    return
  }
  say(`\n  榕 Banyan  ${url}\n`)
  const token = await application.setupToken()
  if (token) {
    say(`  首次使用：打开 ${url}/set-up 创建管理员，设置口令：${token}`)
    say(`  First use: open ${url}/set-up and make the administrator with this token: ${token}\n`)
  }
}

/** One clear sentence for what the person can mend; a stack only for what is our fault. */
function report(error: unknown): void {
  if (error instanceof ConfigurationError) process.stderr.write(`${error.message}\n`)
  else if (sqlState(error) === '53100' || (error instanceof Error && 'code' in error && error.code === 'ENOSPC')) {
    process.stderr.write('磁盘已满：请腾出空间后重试。\nThe disk is full: free some space and try again.\n')
  } else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
}

main().catch((error: unknown) => {
  report(error)
  process.exit(1)
})
