import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeMessage, UNCHANGED, type ReplicationMessage, type WireTuple } from './pgoutput.ts'
import { TransactionAssembler, type TransactionPart } from './transaction.ts'

const uint = (bytes: number, value: number | bigint): Buffer => {
  const buffer = Buffer.alloc(bytes)
  if (bytes === 8) buffer.writeBigUInt64BE(BigInt(value))
  else buffer.writeUIntBE(Number(value), 0, bytes)
  return buffer
}
const text = (value: string): Buffer => Buffer.from(`${value}\0`)
const tuple = (values: WireTuple): Buffer =>
  Buffer.concat([
    uint(2, values.length),
    ...values.map((value) => {
      if (value === null) return Buffer.from('n')
      if (value === UNCHANGED) return Buffer.from('u')
      const bytes = Buffer.from(value)
      return Buffer.concat([Buffer.from('t'), uint(4, bytes.length), bytes])
    }),
  ])
const message = (type: string, ...parts: Buffer[]): Buffer => Buffer.concat([Buffer.from(type), ...parts])

const value = fc.oneof(fc.constant(null), fc.constant(UNCHANGED), fc.string({ unit: 'grapheme' }))

describe('decodeMessage', () => {
  it('reads back any tuple of an update', () => {
    fc.assert(
      fc.property(fc.array(value), fc.array(value), fc.nat(0xffff_ffff), (old, row, oid) => {
        const bytes = message('U', uint(4, oid), Buffer.from('O'), tuple(old), Buffer.from('N'), tuple(row))
        expect(decodeMessage(bytes)).toEqual({ tag: 'update', relation: oid, old, full: true, new: row })
      }),
    )
  })

  it('tells a key from a whole old row', () => {
    expect(decodeMessage(message('D', uint(4, 7), Buffer.from('K'), tuple(['1'])))).toEqual({
      tag: 'delete',
      relation: 7,
      old: ['1'],
      full: false,
    })
    expect(decodeMessage(message('U', uint(4, 7), Buffer.from('N'), tuple(['1'])))).toEqual({
      tag: 'update',
      relation: 7,
      old: undefined,
      full: false,
      new: ['1'],
    })
  })

  it('reads 64-bit positions exactly', () => {
    const lsn = 0xfedc_ba98_7654_3210n
    expect(decodeMessage(message('B', uint(8, lsn), uint(8, 0), uint(4, 0xffff_ffff)))).toEqual({
      tag: 'begin',
      lsn,
      xid: 0xffff_ffff,
    })
    expect(decodeMessage(message('C', uint(1, 0), uint(8, lsn), uint(8, lsn + 1n), uint(8, 0)))).toEqual({
      tag: 'commit',
      lsn,
      endLsn: lsn + 1n,
    })
  })

  it('reads relations, truncates, and leaves other messages be', () => {
    const column = Buffer.concat([uint(1, 1), text('ä'), uint(4, 23), Buffer.from([0xff, 0xff, 0xff, 0xff])])
    expect(
      decodeMessage(message('R', uint(4, 9), text('public'), text('t'), Buffer.from('f'), uint(2, 1), column)),
    ).toEqual({
      tag: 'relation',
      oid: 9,
      schema: 'public',
      name: 't',
      identity: 'f',
      columns: [{ name: 'ä', typeOid: 23, typmod: -1 }],
    })
    expect(decodeMessage(message('T', uint(4, 2), uint(1, 0), uint(4, 1), uint(4, 2)))).toEqual({
      tag: 'truncate',
      relations: [1, 2],
    })
    expect(decodeMessage(message('Y', uint(4, 1)))).toEqual({ tag: 'other', type: 'Y' })
  })

  it('never reads beyond its bytes', () => {
    const whole = message('I', uint(4, 1), Buffer.from('N'), tuple(['some', null, 'text']))
    for (let length = 1; length < whole.length; length += 1)
      expect(() => decodeMessage(whole.subarray(0, length))).toThrow(RangeError)
  })
})

describe('TransactionAssembler', () => {
  const relation: ReplicationMessage = {
    tag: 'relation',
    oid: 1,
    schema: 'public',
    name: 't',
    identity: 'f',
    columns: ['id', 'big'].map((name) => ({ name, typeOid: 25, typmod: -1 })),
  }
  const assemble = (...messages: ReplicationMessage[]): TransactionPart | undefined => {
    let result: TransactionPart | undefined
    const assembler = new TransactionAssembler(
      (transaction) => (result = transaction),
      () => undefined,
    )
    for (const item of [
      relation,
      { tag: 'begin', lsn: 5n, xid: 3 } as const,
      ...messages,
      { tag: 'commit', lsn: 5n, endLsn: 6n } as const,
    ])
      assembler.accept(item, 10)
    return result
  }

  it('takes unchanged values from the old row', () => {
    const transaction = assemble({ tag: 'update', relation: 1, old: ['1', 'long'], full: true, new: ['2', UNCHANGED] })
    expect(transaction?.changes[0]?.new).toEqual(['2', 'long'])
  })

  it('breaks the table when there is no old row to take them from', () => {
    const transaction = assemble({ tag: 'update', relation: 1, old: undefined, full: false, new: ['2', UNCHANGED] })
    expect(transaction).toMatchObject({ changes: [], broken: new Set([1]) })
  })

  it('counts positions by two over all changes', () => {
    const insert = (id: string): ReplicationMessage => ({ tag: 'insert', relation: 1, new: [id, null] })
    expect(assemble(insert('1'), insert('2'), insert('3'))?.changes.map((change) => change.position)).toEqual([0, 2, 4])
  })
})
