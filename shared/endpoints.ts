import { agentEndpoints } from './agent/api.ts'
import { identityEndpoints } from './identity/api.ts'
import type { Endpoint } from './kernel/endpoint.ts'
import { storeEndpoints } from './store/api.ts'
import { workflowEndpoints } from './workflow/api.ts'

/** Every HTTP endpoint contract: what the permission walk and the API description read. */
export const ENDPOINTS: readonly Endpoint[] = [
  ...identityEndpoints,
  ...agentEndpoints,
  ...storeEndpoints,
  ...workflowEndpoints,
]
