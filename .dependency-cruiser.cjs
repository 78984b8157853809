// The laws of layout, as rules. Each names what it keeps and why; server/launch/laws.test.ts plants a violation of every one.
// What rules cannot say (size, lazy loading, where SQL lives, equal translations) is in server/launch/laws.mjs.

// Lower in the list = lower in the building. A module sees the lower ones only, at their index.ts.
const storeys = [['identity'], ['audit'], ['config'], ['mcp', 'rag'], ['workflow'], ['agent'], ['store'], ['chat']]
const modules = storeys.flat()
const anyModule = `(?:${modules.join('|')})`

// Tests, factories and journeys look at things from outside; laws are for what ships.
const tests = String.raw`\.(?:test|e2e|bench)\.ts$|/testing(?:[-/]|\.ts$)|^client/e2e/`

/** Each big dependency is imported from one folder a side, so that it can be replaced there. */
const homes = {
  pg: ['pg', '^(?:server/kernel|sync/server)/'],
  pglite: ['@electric-sql/pglite', '^(?:sync/client|client/build)/|^client/vite'],
  electric: ['electric-sql', '^sync/client/'],
  dexie: ['dexie', '^sync/client/'],
  express: ['express|express-rate-limit|helmet', '^(?:server/(?:kernel|app)|sync/server)/'],
  'better-auth': ['better-auth', '^server/identity/'],
  langchain: [String.raw`@langchain/[^/]+`, '^server/workflow/'],
  mcp: ['@modelcontextprotocol/[^/]+', '^server/mcp/'],
  milvus: ['@zilliz/[^/]+', '^server/rag/'],
  lancedb: ['@lancedb/[^/]+', '^server/rag/'],
  'sm-crypto': ['sm-crypto', '^server/kernel/'],
  ajv: ['ajv|ajv-formats', '^server/kernel/'],
  logs: ['pino', '^server/kernel/'],
  metrics: ['prom-client', '^server/kernel/'],
  'vue-flow': [String.raw`@vue-flow/[^/]+|@dagrejs/[^/]+`, '^client/workflow/'],
  codemirror: [String.raw`codemirror|@codemirror/[^/]+|@lezer/[^/]+`, '^client/editor/'],
  markdown: ['marked', '^client/markdown/'],
  'reka-ui': ['reka-ui', '^client/ui/'],
  charts: ['uplot', '^client/ui/'],
}

const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

const sharedLaws = [
  forbid(
    'shared-stands-alone',
    'shared/ imports nothing of ours from outside itself.',
    { path: '^shared/', pathNot: tests },
    {
      path: '^(?:server|client|sync|migrations)/',
    },
  ),
  forbid(
    'shared-kernel-knows-no-module',
    'shared/kernel imports no module.',
    { path: '^shared/kernel/', pathNot: tests },
    {
      path: '^shared/(?!kernel/)',
    },
  ),
  forbid(
    'browser-code-has-no-node',
    'What runs in a browser too imports no Node module.',
    { path: '^(?:shared|sync/(?:core|protocol|client)|client)/', pathNot: `${tests}|^client/(?:build/|vite)` },
    { dependencyTypes: ['core'] },
  ),
]

const syncLaws = [
  forbid(
    'sync-core-is-pure',
    'sync/core and sync/protocol see shared/ only.',
    { path: '^sync/(?:core|protocol)/', pathNot: tests },
    {
      path: '^(?:server|client|migrations|sync/(?!core/|protocol/))',
    },
  ),
  forbid(
    'sync-client-not-server',
    'sync/client never sees the server.',
    { path: '^sync/client/', pathNot: tests },
    {
      path: '^(?:sync/server|server|client)/',
    },
  ),
  forbid(
    'sync-server-not-client',
    'sync/server never sees the client.',
    { path: '^sync/server/', pathNot: tests },
    {
      path: '^(?:sync/client|client)/|^server/(?!kernel/)',
    },
  ),
]

const sideLaws = [
  forbid(
    'client-not-server',
    'Both sides speak through shared/.',
    { path: '^client/', pathNot: tests },
    {
      path: '^(?:server|sync/server|sync/testing)/',
    },
  ),
  forbid(
    'server-not-client',
    'Both sides speak through shared/.',
    { path: '^server/', pathNot: `${tests}|^server/launch/` },
    {
      path: '^(?:client|sync/client|sync/testing)/',
    },
  ),
]

const serverLaws = [
  forbid(
    'modules-meet-at-the-door',
    "A server module sees another one's index.ts only.",
    {
      path: `^server/(${anyModule})/`,
      pathNot: tests,
    },
    { path: `^server/${anyModule}/`, pathNot: String.raw`^server/$1/|^server/[^/]+/index\.ts$` },
  ),
  forbid(
    'kernel-is-lowest',
    'server/kernel knows no module.',
    { path: '^server/kernel/', pathNot: tests },
    {
      path: '^server/(?!kernel/)',
    },
  ),
  forbid(
    'app-is-highest',
    'Only the launchers start server/app; modules get what they need handed over.',
    {
      path: '^(?:server/(?!app/|launch/)|sync)',
      pathNot: tests,
    },
    { path: '^server/app/' },
  ),
  ...storeys.flatMap((storey, level) => storey.map((name) => lookingUp(name, level))),
  forbid(
    'domain-does-no-io',
    'domain/ sees shared/ and itself.',
    { path: '^server/([^/]+)/domain/', pathNot: tests },
    {
      path: '^(?:server|sync|client)/',
      pathNot: '^server/$1/domain/',
    },
  ),
  forbid(
    'domain-does-no-io-by-node',
    'domain/ does no I/O.',
    { path: '^server/[^/]+/domain/', pathNot: tests },
    {
      dependencyTypes: ['core'],
      pathNot: '^(?:node:)?(?:crypto|util|buffer)$',
    },
  ),
]

function lookingUp(name, level) {
  const above = storeys
    .slice(level)
    .flat()
    .filter((other) => other !== name)
  return forbid(
    `${name}-looks-down-only`,
    'Upward by a port handed over in compose.ts, or by an event.',
    {
      path: `^server/${name}/`,
      pathNot: tests,
    },
    { path: above.length > 0 ? `^server/(?:${above.join('|')})/` : '^nothing-is-above$' },
  )
}

const homeLaws = Object.entries(homes).map(([name, [packages, home]]) =>
  forbid(
    `${name}-has-one-home`,
    `${packages} is imported from one folder a side.`,
    {
      path: '^(?:client|server|sync|shared)/',
      pathNot: `${tests}|${home}`,
    },
    { path: `(?:^|/)node_modules/(?:${packages})/|^(?:${packages})(?:/|$)` },
  ),
)

const clientLaws = [
  forbid(
    'pages-load-lazily',
    'A module descriptor names its pages by import(), so that opening one does not load the others.',
    {
      path: String.raw`^client/[^/]+/module\.ts$`,
    },
    { path: String.raw`\.vue$`, dynamic: false },
  ),
]

module.exports = {
  forbidden: [
    forbid('no-cycles', 'Two files that need each other are one idea, or need a third.', {}, { circular: true }),
    forbid(
      'no-missing-files',
      'An import that leads nowhere.',
      { path: '^(?:client|server|sync|shared)/' },
      {
        couldNotResolve: true,
        pathNot: String.raw`^virtual:|\?|^node:sea`,
      },
    ),
    ...sharedLaws,
    ...syncLaws,
    ...sideLaws,
    ...serverLaws,
    ...homeLaws,
    ...clientLaws,
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(?:dist|data|node_modules/\\.)' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'browser', 'node', 'default'] },
    builtInModules: { add: ['node:sqlite'] },
  },
}
