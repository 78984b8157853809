import { describe, expect, it } from 'vitest'
import { withStarter } from './use-starter.ts'

describe('a starter', () => {
  it('fills an empty composer', () => {
    expect(withStarter('', '拟一份议程', '')).toBe('拟一份议程')
  })

  it('takes the place of another one that was left as it was', () => {
    expect(withStarter('拟一份议程', '解释检索', '拟一份议程')).toBe('解释检索')
    expect(withStarter('解释检索', '解释检索', '')).toBe('解释检索')
  })

  it('stands before what somebody has written, and loses none of it', () => {
    expect(withStarter('我写了一半', '拟一份议程', '解释检索')).toBe('拟一份议程\n\n我写了一半')
  })
})
