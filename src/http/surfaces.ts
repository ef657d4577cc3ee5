/** Every way of asking, by its path. */
import { Router } from 'express';
import type { RequestHandler } from 'express';
import { FailureError } from '../failure.ts';
import { chat } from '../surfaces/chat.ts';
import { completions } from '../surfaces/completions.ts';
import { countTokens, messages } from '../surfaces/messages.ts';
import { createResponses } from '../surfaces/responses.ts';
import type { EntryOptions } from './arrival.ts';
import { conversationRoute, countRoute } from './conversation.ts';
import { relayRoute } from './relay.ts';

/** What is asked most comes first. */
export function askRoutes(options: EntryOptions): readonly (readonly [path: string, route: RequestHandler])[] {
  return [
    ['/v1/chat/completions', conversationRoute(options, chat)],
    ['/v1/messages', conversationRoute(options, messages)],
    ['/v1/responses', conversationRoute(options, createResponses(options.turns))],
    ['/v1/completions', conversationRoute(options, completions)],
    ['/v1/messages/count_tokens', countRoute(options, countTokens)],
  ];
}

/** What is no conversation, and conversations that were not posted. */
export function otherRoutes(options: EntryOptions, asks: readonly string[]): Router {
  const router = Router();
  for (const path of asks) router.all(path, onlyPost);
  router.post(/^\/v1\/.+/, relayRoute(options));
  return router;
}

const onlyPost: RequestHandler = ({ method }) => {
  throw new FailureError({ kind: 'method', message: `${method} is not possible here; send a POST` });
};
