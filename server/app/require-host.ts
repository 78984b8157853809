import { userError } from '../../shared/kernel/errors.ts'
import type { RequestHandler } from '../kernel/http.ts'
import { isOurHost, type OriginRules } from '../kernel/origin.ts'

/** Refuses whoever calls this server by a name that is not its own: in words to people, as an error to programs. */
export function requireHost(rules: OriginRules): RequestHandler {
  return (request, response, next) => {
    const { host } = request.headers
    if (isOurHost(rules, host)) return next()
    const error = userError('request/wrong-host', { host }, wordsFor(rules).en)
    const navigates = request.method === 'GET' && String(request.headers.accept ?? '').includes('text/html')
    if (!navigates) return next(error)
    const { zh, en } = wordsFor(rules)
    response.status(error.status).set('cache-control', 'no-store').type('text/plain').send(`${zh}\n${en}\n`)
  }
}

/** The name that was asked for is not repeated: it comes from whoever made the link. */
function wordsFor({ others }: OriginRules): { zh: string; en: string } {
  if (others === 'loopback') {
    return {
      zh: '这台服务器不使用这个名字。请从管理员给出的地址（PUBLIC_URL）打开。',
      en: 'This server does not go by that name: open it at the address its administrator gave you (PUBLIC_URL).',
    }
  }
  return {
    zh: '这台服务器不使用这个名字。请用 IP 地址打开，或由管理员把 PUBLIC_URL 设为大家使用的地址。',
    en: 'This server does not go by that name: open it by its IP address, or have the administrator set PUBLIC_URL to the address people use.',
  }
}
