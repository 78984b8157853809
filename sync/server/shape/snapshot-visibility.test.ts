import { describe, expect, it } from 'vitest'
import { isVisible } from '../../core/snapshot-visibility.ts'
import { RecentTransactions } from './recent-transactions.ts'
import { parseVisibility, snapshotEnd } from './snapshot-visibility.ts'

const EPOCH = 3n << 32n

describe('what a snapshot sees', () => {
  it('is what ended before it', () => {
    const snapshot = parseVisibility('100:105:101,103', '0/10')
    expect([99, 100, 101, 102, 103, 104, 105, 106].filter((xid) => isVisible(snapshot, xid))).toEqual([
      99, 100, 102, 104,
    ])
  })

  it('is told right when 32-bit ids have wrapped around', () => {
    const snapshot = parseVisibility(`${EPOCH - 3n}:${EPOCH + 2n}:${EPOCH - 2n},${EPOCH + 1n}`, '1/0')
    const xids = [0xffff_fffc, 0xffff_fffd, 0xffff_fffe, 0xffff_ffff, 0, 1, 2, 3]
    expect(xids.filter((xid) => isVisible(snapshot, xid))).toEqual([0xffff_fffc, 0xffff_fffd, 0xffff_ffff, 0])
    expect(JSON.parse(snapshotEnd(snapshot))).toEqual({
      headers: { control: 'snapshot-end', xmin: '4294967293', xmax: '2', xip_list: ['4294967294', '1'] },
    })
  })
})

describe('RecentTransactions', () => {
  const recent = new RecentTransactions()
  for (const [xid, lsn] of [
    [100, 10n],
    [103, 20n],
    [104, 30n],
  ] as const)
    recent.add({ xid, lsn })

  it('notices a commit that came from the slot before snapshots could see it', () => {
    expect(recent.hasUnseen(parseVisibility('103:105:103', '0/99'), 20n)).toBe(true)
    expect(recent.hasUnseen(parseVisibility('104:104:', '0/99'), 30n)).toBe(true)
  })

  it('has no objection when only later transactions are missing', () => {
    expect(recent.hasUnseen(parseVisibility('103:105:103', '0/99'), 19n)).toBe(false)
    expect(recent.hasUnseen(parseVisibility('105:105:', '0/99'), 30n)).toBe(false)
  })
})
