import './check-node.mjs'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { projectRoot } from './toolchain.mjs'
import { fail } from './words.mjs'

// npm run db:url: the connection URL of the running database, alone on its line, for psql "$(npm run -s db:url)".
const dataDir = path.resolve(projectRoot, process.env.DATA_DIR?.trim() || 'data')
if (process.env.DATABASE_URL?.trim()) {
  console.log(process.env.DATABASE_URL.trim())
} else {
  const state = readState(path.join(dataDir, 'postgres/state.json'))
  if (!existsSync(path.resolve(dataDir, 'postgres', state.home, 'cluster/postmaster.pid'))) {
    fail(
      '内置的 Postgres 没有在运行：请先运行 npm start。',
      'The embedded Postgres is not running: run npm start first.',
    )
  }
  console.log(`postgres://${state.user}:${state.password}@127.0.0.1:${state.port}/${state.database}`)
}

function readState(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error.code === 'EACCES') {
      return fail(
        `没有权限读取 ${file}：请用启动 Banyan 的用户运行。`,
        `${file} may not be read: run this as the user who started Banyan.`,
      )
    }
    return fail(
      `数据目录 ${dataDir} 里还没有数据库：请先运行 npm start（或设置同样的 DATA_DIR）。`,
      `There is no database in ${dataDir} yet: run npm start first (or set the same DATA_DIR).`,
    )
  }
}
