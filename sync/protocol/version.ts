/**
 * Version of everything on the wire between a replica and the server: shapes, mutations, push, socket. A change that
 * an older client cannot read raises it; the server then answers 426 and the client asks to be updated, keeping its
 * outbox.
 */
export const PROTOCOL_VERSION = 1
