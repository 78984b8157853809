/** What an operation does, in both languages. */
export interface Words {
  zh: string
  en: string
}

export type Language = keyof Words

export const TAGS = {
  auth: { zh: '登录与注册', en: 'Sign-in and sign-up' },
  session: { zh: '会话与设置向导', en: 'Session and set-up' },
  key: { zh: 'API 密钥', en: 'API keys' },
  openai: { zh: 'OpenAI 兼容接口', en: 'OpenAI-compatible' },
  sync: { zh: '同步', en: 'Synchronisation' },
  store: { zh: '商店', en: 'Store' },
  agent: { zh: '智能体与版本', en: 'Agents and versions' },
  review: { zh: '审核', en: 'Review' },
  run: { zh: '运行与模型', en: 'Runs and models' },
  admin: { zh: '用户与系统设置', en: 'People and settings' },
  operation: { zh: '运维', en: 'Operation' },
  electric: { zh: 'Electric 协议', en: 'Electric’s protocol' },
} as const satisfies Record<string, Words>

export type Tag = keyof typeof TAGS

/** Operations by the id of their contract. A new endpoint is described here; a test says when one is not. */
export const WORDS: Readonly<Record<string, Words>> = {
  'auth/sign-up/email': { zh: '注册并登录', en: 'Make an account, and sign in' },
  'auth/sign-in/email': { zh: '用邮箱和密码登录', en: 'Sign in with e-mail and password' },
  'auth/sign-out': { zh: '退出登录', en: 'Sign out' },
  'auth/get-session': { zh: '当前会话', en: 'The session of this cookie' },
  'auth/update-user': { zh: '修改自己的名字', en: 'Change one’s own name' },
  'auth/change-password': { zh: '修改自己的密码', en: 'Change one’s own password' },
  'auth/list-sessions': { zh: '列出自己的会话', en: 'List one’s own sessions' },
  'auth/revoke-session': { zh: '结束一个会话', en: 'End one session' },
  'auth/revoke-sessions': { zh: '结束所有会话', en: 'End all sessions' },
  'auth/revoke-other-sessions': { zh: '结束其他会话', en: 'End all other sessions' },
  'auth/ok': { zh: '登录服务是否可用', en: 'Whether sign-in is there' },
  'session.get': { zh: '界面启动时需要知道的一切', en: 'What the interface must know before anything else' },
  'setup.create': {
    zh: '用启动时打印的口令创建第一位管理员',
    en: 'Make the first administrator, with the token printed at start',
  },
  'session.list': { zh: '列出自己的会话', en: 'List one’s own sessions' },
  'session.end-all': { zh: '在所有设备上退出登录', en: 'Sign out everywhere' },
  'key.list': { zh: '列出自己的 API 密钥', en: 'List one’s own API keys' },
  'key.create': { zh: '新建 API 密钥，密钥只显示这一次', en: 'Make an API key; it is shown this once' },
  'key.revoke': { zh: '吊销 API 密钥', en: 'Revoke an API key' },
  'user.list': { zh: '查找用户', en: 'Find people' },
  'user.create': { zh: '新建用户', en: 'Make an account for somebody' },
  'user.update': { zh: '修改角色，停用或启用账号', en: 'Change roles, disable or enable an account' },
  'setting.get': { zh: '读取系统设置', en: 'Read the settings of the installation' },
  'setting.update': { zh: '修改系统设置', en: 'Change the settings of the installation' },
  'agent.submit': { zh: '把草稿冻结为版本并提交审核', en: 'Freeze the draft as a version and submit it for review' },
  'agent.versions': { zh: '智能体的所有版本', en: 'The versions of an agent' },
  'agent.withdraw': { zh: '撤回未决定的提交', en: 'Take back a submission that is not decided' },
  'agent.revisions': { zh: '草稿的修改历史', en: 'The history of a draft' },
  'agent.revision': { zh: '草稿在某次修改时的内容', en: 'A draft as it was at a revision' },
  'review.list': { zh: '待审核和已审核的版本', en: 'Versions to review, and those decided' },
  'review.get': { zh: '一次审核的全部内容', en: 'All there is to a review' },
  'review.decide': { zh: '批准或驳回', en: 'Approve or reject' },
  'review.try': { zh: '打开审核用的试聊', en: 'Open the review’s own chat' },
  'store.categories': { zh: '分类', en: 'Categories' },
  'store.search': { zh: '搜索商店', en: 'Search the store' },
  'store.get': { zh: '商店里的一个智能体', en: 'One agent in the store' },
  'store.install': { zh: '安装或更新智能体', en: 'Install an agent, or move to its current version' },
  'store.rate': { zh: '评分', en: 'Rate an agent' },
  'run.get': { zh: '自己的一次运行及其步骤', en: 'A run of one’s own, with its steps' },
  'model.list': { zh: '可用的模型', en: 'Models that agents may name' },
  'sync.push': { zh: '提交一台设备的改动，每条只生效一次', en: 'Take in a device’s mutations, each exactly once' },
  'sync.query': { zh: '运行具名查询', en: 'Run a named query' },
  'sync.shape': {
    zh: '读取并跟随一个数据形状（Electric 协议）',
    en: 'Read and follow a shape, by Electric’s protocol',
  },
  'openai.models': {
    zh: '列出模型：已发布的智能体与平台模型',
    en: 'List models: published agents, and those of the platform',
  },
  'openai.chat': { zh: '对话补全，可流式返回', en: 'Chat completion, streamed if asked for' },
  'electric.shape': { zh: '读取任意已发布的表', en: 'Read a shape of any published table' },
  'electric.health': { zh: '同步服务的状态', en: 'State of the shape server' },
  health: { zh: '进程是否在运行', en: 'Whether the process is there' },
  ready: { zh: '各部分是否就绪；原因只告诉运维者', en: 'Whether each part is ready; reasons are for operators' },
  metrics: { zh: 'Prometheus 指标', en: 'Figures for Prometheus' },
  'api.document': { zh: '本说明的 OpenAPI 文档', en: 'This description as an OpenAPI document' },
  'api.page': { zh: '本页', en: 'This page' },
}

/** Words of the document and its page that belong to no operation. */
export const CHROME = {
  title: { zh: '榕 Banyan API', en: 'Banyan API' },
  about: {
    zh: '网页使用会话 cookie；程序在 /v1 下使用 API 密钥（设置 → API 密钥）。有副作用的请求必须来自本站页面，或不带 Origin。WebSocket /api/socket 承载实时数据与正在生成的回答。',
    en: 'Pages use the session’s cookie; programs use API keys under /v1 (Settings → API keys). Requests with side effects must come from our own pages, or carry no Origin. WebSocket /api/socket carries live shapes and answers as they grow.',
  },
  errors: { zh: '错误', en: 'Errors' },
  aboutErrors: {
    zh: '每个错误都是 {"error": {"code", "message", "params", "request_id"}}；/v1 下是 OpenAI 的格式。',
    en: 'Every error is {"error": {"code", "message", "params", "request_id"}}; under /v1 it has OpenAI’s shape.',
  },
  contents: { zh: '目录', en: 'Contents' },
  other: { zh: 'English', en: '中文' },
  document: { zh: 'OpenAPI 文档', en: 'OpenAPI document' },
  parameters: { zh: '参数', en: 'Parameters' },
  body: { zh: '请求体', en: 'Body' },
  reply: { zh: '返回', en: 'Reply' },
  example: { zh: '示例', en: 'Example' },
  optional: { zh: '可选', en: 'optional' },
  any: { zh: '任意 JSON', en: 'any JSON' },
  oneOf: { zh: '以下之一', en: 'one of these' },
  list: { zh: '数组', en: 'list of' },
  status: { zh: '状态', en: 'Status' },
  codes: { zh: '错误码', en: 'Codes' },
} as const satisfies Record<string, Words>

/** Who may call, in words. */
export const ACCESS = {
  public: { zh: '任何人', en: 'Anybody' },
  key: { zh: 'API 密钥（Authorization: Bearer bny_…）', en: 'API key (Authorization: Bearer bny_…)' },
  operator: {
    zh: '本机，或带 METRICS_TOKEN 的请求',
    en: 'This machine, or METRICS_TOKEN as Authorization: Bearer',
  },
  electric: { zh: '带 secret=ELECTRIC_SECRET；未设置时为 404', en: 'secret=ELECTRIC_SECRET; 404 when none is set' },
  session: { zh: '已登录', en: 'Signed in' },
} as const satisfies Record<string, Words>
