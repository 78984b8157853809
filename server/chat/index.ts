/** The door of chats: what mutations of chats mean on the server, what runs read and write there, the OpenAI-compatible API. */
export { createConversation } from './conversation.ts'
export { chatHooks, type ChatHookDeps } from './on-mutation.ts'
export { chatRequest } from './openai/chat-request.ts'
export { openAiRoutes } from './openai/routes.ts'
export { createRetention, type Retention } from './retention.ts'
export { createRunEvents, isRunFrame, type RunEvents, type RunFrame } from './run-events.ts'
