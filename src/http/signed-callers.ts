/** Who comes with a signed token: its proof takes a moment, so it is read before anybody asks who calls. */
import type { IncomingMessage } from 'node:http';
import type { Tokens } from '../keys/tokens.ts';
import type { VirtualKey } from '../keys/virtual-key.ts';
import { bearerOf } from './guards.ts';

export interface SignedCallers {
  /** Rejects with `unauthorized` for a token that does not hold. Undefined: there is nothing to wait for. */
  readonly verify: (request: IncomingMessage) => Promise<void> | undefined;
  /** Undefined: no token came. */
  readonly keyOf: (request: IncomingMessage) => VirtualKey | undefined;
}

/** Without `tokens` nobody can come with one. */
export function createSignedCallers(tokens: Tokens | undefined): SignedCallers {
  const known = new WeakMap<IncomingMessage, VirtualKey>();
  return {
    verify(request) {
      if (tokens === undefined) return undefined;
      const token = bearerOf(request);
      if (token === undefined || !tokens.recognise(token)) return undefined;
      return tokens.read(token).then((key) => void known.set(request, key));
    },
    keyOf: (request) => known.get(request),
  };
}
