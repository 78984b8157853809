import { expect, test } from 'vitest'
import { pgTypeOf } from '../../shared/kernel/column.ts'
import recorded from './recorded-shapes.json' with { type: 'json' }
import { SHAPE_NAMES, SHAPES } from './shapes.ts'
import { isVersionTrouble, namedProtocol, OLDEST_PROTOCOL, PROTOCOL_VERSION, versionTrouble } from './version.ts'

test('a client is understood between the oldest and the newest version that the server speaks', () => {
  const server = { oldest: 3, newest: 5 }
  expect([1, 2, 3, 4, 5, 6].map((protocol) => versionTrouble(protocol, server))).toEqual([
    'sync/client-too-old',
    'sync/client-too-old',
    undefined,
    undefined,
    undefined,
    'sync/server-too-old',
  ])
  expect(isVersionTrouble('sync/client-too-old')).toBe(true)
  expect(isVersionTrouble('sync/refused')).toBe(false)
})

test('who names no version speaks the first, and who names nonsense none', () => {
  expect([undefined, '1', 2, 'x', '1.5', ''].map(namedProtocol)).toEqual([1, 1, 2, 0, 0, 0])
})

/**
 * `recorded-shapes.json` holds the columns of each protocol version as clients out there have them. Adding a column
 * harms nobody. Taking one away, or changing its type, needs a new PROTOCOL_VERSION with a recording of its own, and
 * OLDEST_PROTOCOL above the versions that it breaks.
 */
test('every column that a client out there reads is still sent, in the type that it knows', () => {
  const now = Object.fromEntries(
    SHAPE_NAMES.map((name) => [
      name,
      Object.fromEntries(Object.entries(SHAPES[name].row.properties).map(([column, type]) => [column, pgTypeOf(type)])),
    ]),
  )
  for (let version = OLDEST_PROTOCOL; version <= PROTOCOL_VERSION; version++) {
    const then: unknown = Reflect.get(recorded, String(version))
    expect(then, `no recording of version ${version}`).toBeDefined()
    expect(now).toMatchObject(Object(then))
  }
})
