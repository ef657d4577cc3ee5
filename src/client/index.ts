/** `import { createClient } from 'tollfree'`. */
export { createClient } from './client.ts';
export type { Client, ClientOptions } from './client.ts';
export type { AssistantMessage, ChatResult } from './answers.ts';
export type { ClientAccount, Source } from './configuration.ts';
export type { ChatOptions, Message } from './request.ts';
export type { ChatStream } from './stream.ts';
export { ConfigError } from '../config/problems.ts';
export { FailureError } from '../failure.ts';
export type { Failure } from '../failure.ts';
