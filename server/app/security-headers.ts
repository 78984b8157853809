import helmet from 'helmet'
import type { RequestHandler } from 'express'

/**
 * Strict by default: scripts only from here, WebAssembly allowed for PGlite, no eval, no inline scripts; nothing is
 * fetched from elsewhere and nobody may frame us. COOP and COEP isolate the page, which the debugger's threads need.
 */
export function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'self'"],
        'script-src': ["'self'", "'wasm-unsafe-eval'"],
        // Positioning libraries write style attributes; style elements and sheets come from here only.
        'style-src': ["'self'", "'unsafe-inline'"],
        'img-src': ["'self'", 'data:', 'blob:'],
        'font-src': ["'self'"],
        'connect-src': ["'self'"],
        'worker-src': ["'self'", 'blob:'],
        'manifest-src': ["'self'"],
        'object-src': ["'none'"],
        'base-uri': ["'none'"],
        'form-action': ["'self'"],
        'frame-ancestors': ["'none'"],
      },
    },
    crossOriginEmbedderPolicy: { policy: 'require-corp' },
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'same-origin' },
    // Set by the proxy that ends TLS; here it would lock people out of plain-HTTP loopback.
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
  })
}
