/** Who comes with a signed token: its proof takes a moment, so it is read before anybody asks who calls. */
import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { looksLikeToken } from '../keys/tokens.ts';
import type { Tokens } from '../keys/tokens.ts';
import type { VirtualKey } from '../keys/virtual-key.ts';
import { bearerOf } from './guards.ts';

export interface SignedCallers {
  /** Throws `unauthorized` for a token that does not hold. */
  readonly verify: RequestHandler;
  /** Undefined: no token came. */
  readonly keyOf: (request: IncomingMessage) => VirtualKey | undefined;
}

/** Without `tokens` nobody can come with one. */
export function createSignedCallers(tokens: Tokens | undefined): SignedCallers {
  const known = new WeakMap<IncomingMessage, VirtualKey>();
  return {
    async verify(request, _response, next) {
      const token = bearerOf(request);
      if (tokens !== undefined && token !== undefined && looksLikeToken(token)) known.set(request, await tokens.read(token));
      next();
    },
    keyOf: (request) => known.get(request),
  };
}
