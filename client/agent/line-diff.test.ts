import { expect, it } from 'vitest'
import { changedLines, lineDiff } from './line-diff.ts'

const draw = (before: string, after: string) =>
  lineDiff(before, after).map((row) =>
    row.kind === 'gap' ? `…${row.lines}` : `${{ same: ' ', added: '+', removed: '-' }[row.kind]}${row.text}`,
  )

it('shows changed lines with their neighbours and folds the rest', () => {
  const before = Array.from({ length: 20 }, (_, index) => `line ${index}`)
  const after = before.with(10, 'changed')
  expect(draw(before.join('\n'), after.join('\n'))).toEqual([
    '…7',
    ' line 7',
    ' line 8',
    ' line 9',
    '-line 10',
    '+changed',
    ' line 11',
    ' line 12',
    ' line 13',
    '…6',
  ])
})

it('counts, and numbers lines on both sides', () => {
  const rows = lineDiff('a\nb', 'a\nc\nd\n')
  expect(changedLines(rows)).toEqual({ added: 2, removed: 1 })
  expect(rows.at(-1)).toMatchObject({ text: 'd', before: undefined, after: 3 })
})

it('finds nothing between equal texts, whatever their end', () => {
  expect(draw('a', 'a\n')).toEqual(['…1'])
  expect(draw('', '')).toEqual([])
})
