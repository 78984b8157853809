/** Public door of the server side of reads. */
export { createShapeServer, type ShapeServer, type ShapeServerOptions, type ShapeServerStatus } from './shape-server.ts'
export {
  createGateway,
  type Gateway,
  type GatewayRequest,
  type GatewayResponse,
  type ShapeUpstream,
} from './gateway/gateway.ts'
export { createEmbeddedUpstream } from './gateway/embedded-upstream.ts'
export { createElectricUpstream } from './gateway/electric-upstream.ts'
export { electricRouter } from './http/electric-router.ts'
export { requireProtocol } from './require-protocol.ts'
export { dropSlot } from './replication/slot.ts'
export type { SyncLog } from './sync-log.ts'
