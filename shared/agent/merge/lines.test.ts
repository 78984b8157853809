import fc from 'fast-check'
import { expect, it } from 'vitest'
import { joinLines, mergeLines } from './lines.ts'

const base = 'one\ntwo\nthree\nfour\nfive'

it('takes changes of different lines from both sides', () => {
  expect(mergeLines(base, base.replace('one', '1'), base.replace('five', '5\nsix'))).toBe('1\ntwo\nthree\nfour\n5\nsix')
})

it('takes the same change once', () => {
  const both = base.replace('three', 'drei')
  expect(mergeLines(base, both, both.replace('five', '5'))).toBe('one\ntwo\ndrei\nfour\n5')
})

it('does not guess when a line was changed by both, or a new line touches a changed one', () => {
  expect(mergeLines(base, base.replace('three', '3'), base.replace('three', 'drei'))).toBeUndefined()
  expect(mergeLines(base, base.replace('three', '3'), base.replace('three', 'three\nthree and a half'))).toBeUndefined()
  expect(mergeLines('', 'mine', 'theirs')).toBeUndefined()
})

it('gives people both versions of a place to start from, and merges the rest', () => {
  const mine = base.replace('three', 'mine').replace('one', '1')
  expect(joinLines(base, mine, base.replace('three', 'theirs'))).toBe('1\ntwo\ntheirs\nmine\nfour\nfive')
})

it('gives up on texts that have too little in common', () => {
  const text = (word: string) => Array.from({ length: 2000 }, (_, index) => `${word} ${index}`).join('\n')
  expect(mergeLines(text('a'), text('b'), text('c'))).toBeUndefined()
  const turned = text('a').split('\n').reverse().join('\n')
  expect(mergeLines(text('a'), turned, `first\n${text('a')}`)).toBeUndefined()
})

const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 8 }).map((lines) => lines.join('\n'))

it('changes nothing when one side did not', () => {
  fc.assert(
    fc.property(text, text, (base, other) => {
      expect(mergeLines(base, other, base)).toBe(other)
      expect(mergeLines(base, base, other)).toBe(other)
    }),
  )
})

it('comes to the same whoever is first', () => {
  fc.assert(
    fc.property(text, text, text, (base, mine, theirs) => {
      expect(mergeLines(base, mine, theirs)).toBe(mergeLines(base, theirs, mine))
    }),
  )
})

/** Texts whose lines say which side wrote them. */
const authored = fc
  .tuple(fc.integer({ min: 0, max: 12 }), fc.infiniteStream(fc.integer({ min: 0, max: 4 })))
  .map(([length, dice]) => {
    const base = Array.from({ length }, (_, index) => `base ${index}`)
    const written = (side: string) =>
      base.flatMap((line, index) => {
        const roll = dice.next().value
        if (roll === 0) return [`${side} ${index}`]
        if (roll === 1) return []
        return roll === 2 ? [line, `${side} after ${index}`] : [line]
      })
    return { base, mine: written('mine'), theirs: written('theirs') }
  })

it('loses no line that either side wrote, and brings back none that both took out', () => {
  fc.assert(
    fc.property(authored, ({ base, mine, theirs }) => {
      const joined = joinLines(base.join('\n'), mine.join('\n'), theirs.join('\n')).split('\n')
      for (const line of [...mine, ...theirs]) if (!base.includes(line)) expect(joined).toContain(line)
      const merged = mergeLines(base.join('\n'), mine.join('\n'), theirs.join('\n'))?.split('\n')
      if (!merged || base.length === 0) return
      for (const line of base) expect(merged.includes(line)).toBe(mine.includes(line) && theirs.includes(line))
    }),
  )
})
