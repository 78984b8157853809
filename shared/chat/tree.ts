/** The columns of a message that place it in the tree. */
export interface TreeMessage {
  readonly id: string
  readonly parent_message_id: string | null
  readonly status: string
  readonly is_intermediate: boolean
  readonly seq: number | null
  readonly created_at: string
}

/** Messages by fork: `children` of a message's id, or of the chat's id for first messages; oldest first. */
export interface MessageTree<M extends TreeMessage> {
  readonly chat_id: string
  readonly byId: ReadonlyMap<string, M>
  readonly children: ReadonlyMap<string, readonly M[]>
}

/** A message as it stands on the shown path, with what stands in its place on other branches. */
export interface PathEntry<M extends TreeMessage> {
  readonly message: M
  /** `coalesce(parent, chat)`: the key of the branch choice. */
  readonly fork_id: string
  readonly siblings: readonly M[]
  /** Position of `message` among `siblings`, from 0. */
  readonly index: number
}

/** Child chosen at a fork. */
export type Choices = ReadonlyMap<string, string>

/**
 * The tree of a chat's messages in any order. Intermediate rows (steps of a run) are no part of it; a message below
 * one hangs on its nearest ancestor that is. A tombstone stays as long as something below it lives. A message whose
 * parent is not here (yet), or that would close a circle, begins at the top.
 */
export function buildTree<M extends TreeMessage>(chat_id: string, messages: Iterable<M>): MessageTree<M> {
  const all = new Map([...messages].map((message) => [message.id, message]))
  const shown = [...all.values()].filter((message) => !message.is_intermediate).sort(byAge)
  const byId = new Map(shown.map((message) => [message.id, message]))
  const forks = forksOf(shown, all, chat_id)
  const alive = withLivingBelow(shown, forks)
  const children = new Map<string, M[]>()
  for (const message of shown) {
    if (!alive.has(message.id)) continue
    const fork = forks.get(message.id) ?? chat_id
    const family = children.get(fork)
    if (family) family.push(message)
    else children.set(fork, [message])
  }
  return { chat_id, byId, children }
}

/** Fork of each message. Parents are followed past steps; a circle is cut at its oldest message. */
function forksOf<M extends TreeMessage>(
  shown: readonly M[],
  all: ReadonlyMap<string, M>,
  chat_id: string,
): Map<string, string> {
  const forks = new Map<string, string>()
  for (const message of shown) {
    let parent = message.parent_message_id
    const passed = new Set([message.id])
    while (parent !== null && !passed.has(parent) && all.get(parent)?.is_intermediate) {
      passed.add(parent)
      parent = all.get(parent)?.parent_message_id ?? null
    }
    const known = parent !== null && all.has(parent) && !passed.has(parent)
    forks.set(message.id, known && parent !== null ? parent : chat_id)
  }
  for (const message of shown) if (isInCircle(message.id, forks)) forks.set(message.id, chat_id)
  return forks
}

function isInCircle(id: string, forks: ReadonlyMap<string, string>): boolean {
  const passed = new Set<string>()
  for (let at = forks.get(id); at !== undefined && !passed.has(at); at = forks.get(at)) {
    if (at === id) return true
    passed.add(at)
  }
  return false
}

/** Ids of messages that live or have something living below them. */
function withLivingBelow<M extends TreeMessage>(shown: readonly M[], forks: ReadonlyMap<string, string>): Set<string> {
  const alive = new Set<string>()
  for (const message of shown) {
    if (message.status === 'deleted') continue
    for (let at: string | undefined = message.id; at !== undefined && !alive.has(at); at = forks.get(at)) alive.add(at)
  }
  return alive
}

/** The path that is shown: from the top, at each fork the chosen child, else the newest. */
export function activePath<M extends TreeMessage>(tree: MessageTree<M>, choices: Choices): PathEntry<M>[] {
  const path: PathEntry<M>[] = []
  let fork_id = tree.chat_id
  for (;;) {
    const siblings = tree.children.get(fork_id)
    if (!siblings) return path
    const chosen = siblings.findIndex((message) => message.id === choices.get(fork_id))
    const index = chosen >= 0 ? chosen : siblings.length - 1
    const message = siblings[index]
    if (!message) return path
    path.push({ message, fork_id, siblings, index })
    fork_id = message.id
  }
}

/** The choices that bring a message onto the path: one for each fork above it. Empty for a message that is not here. */
export function choicesTo<M extends TreeMessage>(tree: MessageTree<M>, id: string): Map<string, string> {
  const forkOf = new Map<string, string>()
  for (const [fork, family] of tree.children) for (const message of family) forkOf.set(message.id, fork)
  const choices = new Map<string, string>()
  for (let at: string | undefined = id; at !== undefined;) {
    const fork = forkOf.get(at)
    if (fork === undefined) break
    choices.set(fork, at)
    at = fork === tree.chat_id ? undefined : fork
  }
  return choices
}

/**
 * What a reader has in front of them stays: choices of the shown path, over which only `mine` (their own hand) goes.
 * A sibling that another device adds appears in the count, not in place.
 */
export function keepShown<M extends TreeMessage>(path: readonly PathEntry<M>[], mine: Choices): Map<string, string> {
  return new Map([...path.map((entry) => [entry.fork_id, entry.message.id] as const), ...mine])
}

/** Server order first; what this device has just made comes last. */
function byAge(a: TreeMessage, b: TreeMessage): number {
  if (a.seq !== b.seq) {
    if (a.seq === null) return 1
    if (b.seq === null) return -1
    return a.seq - b.seq
  }
  if (a.created_at !== b.created_at) return a.created_at < b.created_at ? -1 : 1
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
