export { costOf, type Price } from './models/pricing.ts'
export { demoModel, DEMO_MODEL } from './models/demo.ts'
export { detectModels, type DetectOptions } from './models/detect.ts'
export { estimateUsage } from './models/usage.ts'
export { OpenAiCompatible, type OpenAiOptions } from './models/openai-compatible.ts'
export type {
  ModelEvent,
  ModelMessage,
  ModelProvider,
  ModelProviders,
  ModelRequest,
  ModelResult,
  ModelUsage,
  ProviderKind,
} from './models/provider.ts'
