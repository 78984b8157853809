import { betterAuth } from 'better-auth'
import { APIError, createAuthMiddleware } from 'better-auth/api'
import { openAPI } from 'better-auth/plugins'
import { newId } from '../../shared/kernel/id.ts'
import type { Pool } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'

export interface AuthOptions {
  log: Log
  pool: Pool
  /** Origin that people use. */
  baseUrl: string
  /** Signs session cookies; from DATA_DIR, never from the database. */
  secret: string
  /** Origins that browsers may call from, when they call this Host. */
  trustedOrigins: (host: string | undefined) => string[]
  secureCookies: boolean
  /** Asked at each self sign-up. */
  signUpOpen: () => Promise<boolean>
}

const camelTimes = { createdAt: 'created_at', updatedAt: 'updated_at' }

/**
 * E-mail and password by better-auth on our own tables. Roles are never input of any of its endpoints, and its
 * telemetry is off: nothing leaves this machine.
 */
export function createAuth(options: AuthOptions) {
  return betterAuth({
    appName: 'Banyan',
    // Callbacks and mails do not exist, so the origin of each request is enough; said aloud to keep the log quiet.
    baseURL: options.baseUrl,
    basePath: '/api/auth',
    secret: options.secret,
    database: options.pool,
    telemetry: { enabled: false },
    // Failed sign-ins are answers, not events of the server; only its own faults are logged.
    logger: { level: 'error', log: (_level, message) => options.log.error({ event: 'auth.trouble', reason: message }) },
    // Refusals are answers; else everybody could fill the log.
    onAPIError: {
      onError: (error) => {
        if (error instanceof APIError && error.status !== 'INTERNAL_SERVER_ERROR') return
        options.log.error({ event: 'auth.trouble', reason: error instanceof Error ? error.message : String(error) })
      },
    },
    // Describes itself for /api/openapi.json; its own pages do not exist (auth-handler.ts).
    plugins: [openAPI({ disableDefaultReference: true })],
    trustedOrigins: (request) => options.trustedOrigins(request?.headers.get('host') ?? undefined),
    emailAndPassword: { enabled: true, minPasswordLength: 10, maxPasswordLength: 128, autoSignIn: true },
    // Ours counts failures per person and address (sign-in-limit.ts).
    rateLimit: { enabled: false },
    session: {
      modelName: 'sessions',
      expiresIn: 60 * 60 * 24 * 30,
      updateAge: 60 * 60 * 24,
      fields: {
        ...camelTimes,
        userId: 'user_id',
        expiresAt: 'expires_at',
        ipAddress: 'ip_address',
        userAgent: 'user_agent',
      },
    },
    user: {
      modelName: 'users',
      fields: { ...camelTimes, emailVerified: 'email_verified' },
      additionalFields: {
        disabledAt: { type: 'date', fieldName: 'disabled_at', required: false, input: false, returned: false },
      },
      changeEmail: { enabled: false },
      deleteUser: { enabled: false },
    },
    account: {
      modelName: 'accounts',
      fields: {
        ...camelTimes,
        userId: 'user_id',
        accountId: 'account_id',
        providerId: 'provider_id',
        accessToken: 'access_token',
        refreshToken: 'refresh_token',
        idToken: 'id_token',
        accessTokenExpiresAt: 'access_token_expires_at',
        refreshTokenExpiresAt: 'refresh_token_expires_at',
      },
    },
    verification: { modelName: 'verifications', fields: { ...camelTimes, expiresAt: 'expires_at' } },
    advanced: {
      cookiePrefix: 'banyan',
      useSecureCookies: options.secureCookies,
      defaultCookieAttributes: { sameSite: 'lax', httpOnly: true },
      database: { generateId: () => newId() },
      ipAddress: { ipAddressHeaders: ['x-banyan-client-ip'] },
    },
    databaseHooks: {
      session: {
        create: {
          // Its sessions ended when the account was disabled; there shall be no new one, which better-auth would honour.
          before: async ({ userId }, context) => {
            const user = await context?.context.internalAdapter.findUserById(userId)
            if (!user || !('disabledAt' in user) || !user.disabledAt) return
            throw new APIError('FORBIDDEN', { code: 'auth/forbidden', message: 'this account is disabled' })
          },
        },
      },
    },
    hooks: {
      before: createAuthMiddleware(async (context) => {
        requireProfile(context.path, context.body)
        if (context.path !== '/sign-up/email') return
        if (await options.signUpOpen()) return
        throw new APIError('FORBIDDEN', {
          code: 'auth/sign-up-closed',
          message: 'sign-up is closed: ask an administrator',
        })
      }),
    },
  })
}

/** A name is what others see of a person: as long as our own contracts allow. Pictures are none of what we keep. */
function requireProfile(path: string, body: unknown): void {
  if (path !== '/sign-up/email' && path !== '/update-user') return
  if (typeof body !== 'object' || body === null) return
  const fits =
    !('name' in body) ||
    (typeof body.name === 'string' && body.name.trim() !== '' && body.name.length <= 100 && !body.name.includes('\0'))
  if (fits && !('image' in body && body.image)) return
  throw new APIError('BAD_REQUEST', { code: 'request/invalid', message: 'a name of 1 to 100 characters, no image' })
}

export type Auth = ReturnType<typeof createAuth>
