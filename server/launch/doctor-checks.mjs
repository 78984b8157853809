// The second half of npm run doctor, on Node 24: environment, port, data directory, database. Exit code 1 when something is amiss.
import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { readEnvironment } from '../app/env.ts'
import { ConfigurationError } from '../kernel/configuration-error.ts'
import { checkDatabase } from '../kernel/postgres/check.ts'
import { findPackage } from '../kernel/postgres/binaries.ts'

const leastFreeBytes = 500 * 1024 * 1024

const environment = await attempt('环境变量 · environment', () => readEnvironment(process.env))
if (environment) {
  await attempt(`${environment.host}:${environment.port}`, () => checkPort(environment))
  await attempt(`DATA_DIR ${environment.dataDir}`, () => checkDataDir(environment.dataDir))
  const url = environment.databaseDirectUrl
  if (url) await attempt('DATABASE_URL', () => checkDatabase(url))
  else await attempt('内置 Postgres · embedded Postgres', () => void findPackage())
}

async function attempt(title, work) {
  try {
    const result = await work()
    console.log(`✓ ${title}`)
    return result
  } catch (error) {
    process.exitCode = 1
    const message = error instanceof ConfigurationError ? error.message : String(error)
    console.log(`✗ ${message.replace('\n', '\n  ')}`)
    return undefined
  }
}

function checkPort({ host, port }) {
  return new Promise((resolve, reject) => {
    const probe = net.createServer()
    probe.once('error', (error) => reject(portError(error, host, port)))
    probe.listen({ host, port, exclusive: true }, () => probe.close(resolve))
  })
}

function portError(error, host, port) {
  if (error.code === 'EADDRINUSE') {
    return new ConfigurationError(
      `端口 ${port} 已被占用（也许 Banyan 已在运行）：请先停止那个程序，或用 PORT 另选一个。`,
      `The port ${port} is taken (perhaps Banyan is running already): stop that program, or choose another with PORT.`,
    )
  }
  if (error.code === 'EACCES') {
    return new ConfigurationError(
      `没有权限使用端口 ${port}：请用 PORT 选一个 1024 以上的端口。`,
      `The port ${port} may not be used: choose one above 1024 with PORT.`,
    )
  }
  return new ConfigurationError(
    `无法在 ${host}:${port} 监听（${error.code}）：请检查 HOST。`,
    `Cannot listen on ${host}:${port} (${error.code}): check HOST.`,
  )
}

function checkDataDir(dataDir) {
  // The folder itself may not exist yet: then the nearest one that does must be writable.
  let folder = dataDir
  while (!existsSync(folder)) folder = path.dirname(folder)
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
  } catch {
    throw new ConfigurationError(
      `无法写入 ${folder}：请检查权限和所有者，或用 DATA_DIR 指定一个可写的目录。`,
      `${folder} cannot be written: check its owner and rights, or choose a writable folder with DATA_DIR.`,
    )
  }
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize >= leastFreeBytes) return
  const free = Math.round((bavail * bsize) / 1024 / 1024)
  throw new ConfigurationError(
    `${folder} 所在的磁盘只剩 ${free} MB：请腾出至少 500 MB，或用 DATA_DIR 指定另一个磁盘。`,
    `The disk of ${folder} has ${free} MB left: free at least 500 MB, or choose another disk with DATA_DIR.`,
  )
}
