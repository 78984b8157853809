import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { projectRoot } from './toolchain.mjs'

// The laws of layout that npm test checks. Every function takes the project's folder and returns sentences, none when kept.

const sides = ['client', 'server', 'sync', 'shared']
const isTest = /\.(test|e2e|bench)\.ts$|\/testing([-/]|\.ts$)|^client\/e2e\//

// Megabytes that only some pages need.
const heavyPackages =
  /node_modules\/(@vue-flow\/|@dagrejs\/|dagre\/|codemirror\/|@codemirror\/|@lezer\/|uplot\/|mermaid\/|katex\/|@electric-sql\/pglite\/)/

/** Dependency directions, homes of the big packages, cycles (.dependency-cruiser.cjs), and lazy loading. */
export function checkImports(root) {
  const present = sides.filter((side) => existsSync(path.join(root, side)))
  const cruiser = path.join(projectRoot, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs')
  const config = path.join(projectRoot, '.dependency-cruiser.cjs')
  const result = spawnSync(process.execPath, [cruiser, '--config', config, '--output-type', 'json', ...present], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 200_000_000,
  })
  if (!result.stdout) return [`dependency-cruiser failed: ${result.stderr}`]
  const { modules, summary } = JSON.parse(result.stdout)
  const broken = summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)
  return [...new Set(broken), ...checkLazyLoading(modules)]
}

/** Follows the static imports from the client's entry: none may reach a heavy package. */
function checkLazyLoading(modules) {
  const bySource = new Map(modules.map((module) => [module.source, module]))
  const cameFrom = new Map([['client/main.ts', undefined]])
  for (const source of cameFrom.keys()) {
    for (const dependency of bySource.get(source)?.dependencies ?? []) {
      if (dependency.dynamic || dependency.dependencyTypes.includes('type-only') || cameFrom.has(dependency.resolved))
        continue
      cameFrom.set(dependency.resolved, source)
    }
  }
  return [...cameFrom.keys()]
    .filter((file) => heavyPackages.test(file))
    .map((file) => `heavy-parts-load-lazily: ${trail(cameFrom, file)}`)
}

function trail(cameFrom, file) {
  const steps = []
  for (let step = file; step !== undefined; step = cameFrom.get(step)) steps.unshift(step)
  return steps.join(' → ')
}

/** No file over 400 lines, no component over 300. */
export function checkSizes(root) {
  return listFiles(root, [...sides, 'migrations'])
    .filter(
      (file) =>
        /\.(ts|mjs|cjs|js|vue|css|sql)$/.test(file) && !/\/generated\/|^migrations\/(schema|replica)\.sql$/.test(file),
    )
    .flatMap((file) => {
      const lines = readFileSync(path.join(root, file), 'utf8').trimEnd().split('\n').length
      const most = file.endsWith('.vue') ? 300 : 400
      return lines > most ? [`max-lines: ${file} has ${lines} lines, ${most} are allowed`] : []
    })
}

/** SQL lives in *.repository.ts, queries.ts, migrations; the kernel and the shape server are made of it. */
export function checkSql(root) {
  // Small or capital letters throughout: a sentence that begins with "Select a file …" is not SQL.
  const verbs =
    'select [^`\'"]*? from |insert +into +[a-z]|update +[a-z_]+ +set |delete +from +[a-z]|with +[a-z_]+ +as *[(]'
  const sql = new RegExp(`[\`'"]\\s*(?:${verbs}|${verbs.toUpperCase()})`.replaceAll(' ', '\\s'))
  return listFiles(root, ['server', 'shared', 'client'])
    .filter((file) => /\.(ts|vue)$/.test(file) && !isTest.test(file))
    .filter((file) => !/\.repository\.ts$|(^|\/)queries\.ts$|\/queries\/|^server\/(kernel|app)\//.test(file))
    .filter((file) => sql.test(readFileSync(path.join(root, file), 'utf8')))
    .map((file) => `sql-lives-in-repositories: ${file}`)
}

/** Every text exists in Chinese and in English, with the same placeholders. */
export function checkLocales(root) {
  return listFiles(root, ['client'])
    .filter((file) => file.endsWith('/locales/zh-CN.json'))
    .flatMap((file) => {
      const english = file.replace(/zh-CN\.json$/, 'en.json')
      if (!existsSync(path.join(root, english))) return [`locales: ${english} is missing`]
      const zh = flatten(JSON.parse(readFileSync(path.join(root, file), 'utf8')))
      const en = flatten(JSON.parse(readFileSync(path.join(root, english), 'utf8')))
      return compare(zh, en, file, english)
    })
    .concat(
      listFiles(root, ['client'])
        .filter(
          (file) =>
            file.endsWith('/locales/en.json') && !existsSync(path.join(root, file.replace(/en\.json$/, 'zh-CN.json'))),
        )
        .map((file) => `locales: ${file.replace(/en\.json$/, 'zh-CN.json')} is missing`),
    )
}

function compare(zh, en, zhFile, enFile) {
  const sentences = []
  for (const [key, text] of zh) {
    if (!en.has(key)) sentences.push(`locales: ${enFile} lacks ${key}`)
    else if (placeholders(text) !== placeholders(en.get(key))) {
      sentences.push(`locales: the placeholders of ${key} differ in ${zhFile} and ${enFile}`)
    }
  }
  for (const key of en.keys()) if (!zh.has(key)) sentences.push(`locales: ${zhFile} lacks ${key}`)
  return sentences
}

function flatten(tree, prefix = '') {
  return new Map(
    Object.entries(tree).flatMap(([key, value]) =>
      typeof value === 'object' && value !== null
        ? [...flatten(value, `${prefix}${key}.`)]
        : [[`${prefix}${key}`, String(value)]],
    ),
  )
}

/** English may repeat one in its plural form; so names are compared, not counts. */
function placeholders(text) {
  return [...new Set(text.match(/\{\w+\}/g))].sort().join()
}

function listFiles(root, folders) {
  return folders.flatMap((folder) => {
    if (!existsSync(path.join(root, folder))) return []
    return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name)).replaceAll('\\', '/'))
      .filter((file) => !file.includes('node_modules/'))
  })
}
