import { describe, expect, it } from 'vitest'
import { mayDo, type Role } from '../../shared/identity/permissions.ts'
import { navItems } from './modules.ts'
import { phoneTabs } from './phone-tabs.ts'

const tabs = (...roles: Role[]) =>
  phoneTabs(navItems.filter(({ permission }) => !permission || mayDo(roles, permission))).map(({ id }) => id)

describe('the tabs of a phone', () => {
  it('are the same for everybody who neither builds nor reviews', () => {
    expect(tabs('user')).toEqual(['chat', 'store', 'settings'])
  })

  it('lead a reviewer to the reviews', () => {
    expect(tabs('user', 'reviewer')).toEqual(['chat', 'store', 'review', 'settings'])
  })

  it('are four: a reviewer who builds goes by the studio', () => {
    expect(tabs('developer', 'reviewer')).toEqual(['chat', 'store', 'studio', 'settings'])
    expect(tabs('admin')).toEqual(['chat', 'store', 'studio', 'settings'])
  })
})
