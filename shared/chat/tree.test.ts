import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { activePath, buildTree, choicesTo, keepShown, type TreeMessage } from './tree.ts'

const CHAT = 'chat'

function message(id: string, parent: string | null, seq: number | null, more: Partial<TreeMessage> = {}): TreeMessage {
  return {
    id,
    parent_message_id: parent,
    status: 'sent',
    is_intermediate: false,
    seq,
    created_at: '2026-01-01',
    ...more,
  }
}

const shown = (messages: TreeMessage[], choices: Record<string, string> = {}) =>
  activePath(buildTree(CHAT, messages), new Map(Object.entries(choices))).map((entry) => entry.message.id)

/** Any forest: each message hangs on one made before it, or on nothing. */
const forest = fc
  .array(fc.record({ parent: fc.nat(), root: fc.boolean(), deleted: fc.boolean(), step: fc.nat(9) }), { maxLength: 40 })
  .map((shapes) =>
    shapes.map(({ parent, root, deleted, step }, index) =>
      message(`m${index}`, root || index === 0 ? null : `m${parent % index}`, index, {
        status: deleted ? 'deleted' : 'sent',
        is_intermediate: step === 0,
      }),
    ),
  )
const anyChoices = fc
  .array(fc.tuple(fc.nat(40), fc.nat(40)), { maxLength: 20 })
  .map((pairs) => new Map(pairs.map(([a, b]) => [`m${a}`, `m${b}`])))

describe('the message tree', () => {
  it('shows the newest branch where nobody chose', () => {
    const messages = [message('q', null, 1), message('a1', 'q', 2), message('a2', 'q', 3)]
    expect(shown(messages)).toEqual(['q', 'a2'])
    expect(shown(messages, { q: 'a1' })).toEqual(['q', 'a1'])
  })

  it('treats edits of the first message as siblings under the chat', () => {
    const messages = [message('q1', null, 1), message('a1', 'q1', 2), message('q2', null, 3), message('a2', 'q2', 4)]
    expect(shown(messages, { [CHAT]: 'q1' })).toEqual(['q1', 'a1'])
    expect(activePath(buildTree(CHAT, messages), new Map())[0]?.siblings.map(({ id }) => id)).toEqual(['q1', 'q2'])
  })

  it('puts what this device has just made last, before the server has numbered it', () => {
    expect(shown([message('new', null, null), message('old', null, 9)])).toEqual(['new'])
  })

  it('keeps a tombstone while something below it lives, and drops it otherwise', () => {
    const gone = { status: 'deleted' }
    expect(shown([message('q', null, 1, gone), message('a', 'q', 2)])).toEqual(['q', 'a'])
    expect(shown([message('q', null, 1), message('a', 'q', 2, gone)])).toEqual(['q'])
  })

  it('hangs messages below a step on the nearest message above it', () => {
    const messages = [message('q', null, 1), message('s', 'q', 2, { is_intermediate: true }), message('a', 's', 3)]
    expect(shown(messages)).toEqual(['q', 'a'])
  })

  it('survives a parent that has not arrived and a circle', () => {
    expect(shown([message('a', 'missing', 1)])).toEqual(['a'])
    expect(shown([message('x', 'y', 1), message('y', 'x', 2)])).toEqual(['x', 'y'])
    expect(shown([message('x', 'x', 1)])).toEqual(['x'])
  })

  it('does not pull a reader onto a branch made elsewhere', () => {
    const before = [message('q', null, 1), message('a1', 'q', 2)]
    const kept = keepShown(activePath(buildTree(CHAT, before), new Map()), new Map())
    const after = [...before, message('a2', 'q', 3), message('q2', 'a1', 4)]
    const path = activePath(buildTree(CHAT, after), kept)
    expect(path.map((entry) => entry.message.id)).toEqual(['q', 'a1', 'q2'])
    expect(path[1]?.siblings).toHaveLength(2)
  })
})

describe('laws of the tree', () => {
  it('a path is a chain: each message is a child of the one before, and ends where nothing follows', () => {
    fc.assert(
      fc.property(forest, anyChoices, (messages, choices) => {
        const tree = buildTree(CHAT, messages)
        const path = activePath(tree, choices)
        path.forEach((entry, index) => {
          expect(entry.fork_id).toBe(index === 0 ? CHAT : path[index - 1]?.message.id)
          expect(entry.siblings[entry.index]).toBe(entry.message)
        })
        const last = path.at(-1)
        if (last) expect(tree.children.has(last.message.id)).toBe(false)
      }),
    )
  })

  it('the order in which rows arrive changes nothing', () => {
    fc.assert(
      fc.property(
        forest.chain((messages) =>
          fc.tuple(fc.constant(messages), fc.shuffledSubarray(messages, { minLength: messages.length })),
        ),
        anyChoices,
        ([messages, shuffled], choices) => {
          const ids = (rows: TreeMessage[]) =>
            activePath(buildTree(CHAT, rows), choices).map((entry) => entry.message.id)
          expect(ids(shuffled)).toEqual(ids(messages))
        },
      ),
    )
  })

  it('every living message can be brought onto the path, exactly once', () => {
    fc.assert(
      fc.property(forest, (messages) => {
        const tree = buildTree(CHAT, messages)
        const placed = [...tree.children.values()].flat().map(({ id }) => id)
        expect(new Set(placed).size).toBe(placed.length)
        for (const { id, status, is_intermediate } of messages) {
          if (status === 'deleted' || is_intermediate) continue
          const path = activePath(tree, choicesTo(tree, id)).map((entry) => entry.message.id)
          expect(path).toContain(id)
        }
      }),
    )
  })

  it('a chosen child that is there is shown', () => {
    fc.assert(
      fc.property(forest, anyChoices, (messages, choices) => {
        for (const entry of activePath(buildTree(CHAT, messages), choices)) {
          const wanted = choices.get(entry.fork_id)
          if (entry.siblings.some(({ id }) => id === wanted)) expect(entry.message.id).toBe(wanted)
        }
      }),
    )
  })
})
