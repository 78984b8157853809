import { expect, it } from 'vitest'
import { isOurHost, isSameOrigin, type OriginRules } from './origin.ts'

const named: OriginRules = { publicUrl: 'https://banyan.example', others: 'loopback' }
const unnamed: OriginRules = { publicUrl: 'http://localhost:8787', others: 'addresses' }

it.each([
  ['banyan.example', true],
  ['Banyan.Example', true],
  ['banyan.example:8787', false],
  ['localhost:8787', true],
  ['127.0.0.1', true],
  ['[::1]:80', true],
  ['192.168.1.5:8787', false],
  ['evil.example', false],
  ['banyan.example.evil.example', false],
  ['127.0.0.1.evil.example', false],
  ['', false],
  [undefined, false],
])('with a public address, Host %s is ours: %s', (host, ours) => expect(isOurHost(named, host)).toBe(ours))

it.each([
  ['192.168.1.5:8787', true],
  ['10.0.0.1', true],
  ['[fe80::1]:8787', true],
  ['[2001:db8::7]', true],
  ['localhost', true],
  ['banyan.example', false],
  ['evil.example', false],
  ['1.2.3.4.evil.example', false],
  ['192.168.1.5.nip.io', false],
  ['[evil]', false],
  ['[::1', false],
])('without one, Host %s is ours: %s', (host, ours) => expect(isOurHost(unnamed, host)).toBe(ours))

it('takes a page for ours when it came from the host it calls, or from the public address', () => {
  const from = (origin: string, host: string) => isSameOrigin(unnamed, { origin, host })
  expect(from('http://192.168.1.5:8787', '192.168.1.5:8787')).toBe(true)
  expect(from('http://192.168.1.6:8787', '192.168.1.5:8787')).toBe(false)
  expect(from('null', '192.168.1.5:8787')).toBe(false)
  expect(isSameOrigin(named, { origin: 'https://banyan.example', host: '127.0.0.1:8787' })).toBe(true)
  expect(isSameOrigin(named, { origin: 'http://banyan.example', host: '127.0.0.1:8787' })).toBe(false)
})
