/**
 * `Idempotency-Key`: who makes something and never hears the answer may ask again with the same key, and is given the
 * answer there was. Nothing is made twice, also where both are under way at once.
 */
import { createHash } from 'node:crypto';
import type { Request } from 'express';
import { refused } from '../schema.ts';
import type { Clock } from '../types.ts';

export const IDEMPOTENCY_KEY = 'idempotency-key';
export const IDEMPOTENCY_MEANS = 'Of your own making. The same question with the same key, within ten minutes, is given the same answer and makes nothing again.';

export interface Retries {
  /** What `act` gives; what it gave where this question was asked before. What failed has made nothing, and may be tried again. */
  readonly once: <T>(request: Request, body: unknown, act: () => Promise<T>) => Promise<T>;
}

interface Asked {
  readonly at: number;
  /** Of the body, which may hold a key. */
  readonly digest: string;
  readonly answer: Promise<unknown>;
}

/** Programs ask again within seconds, people within minutes; an answer may hold a secret, which should be here no longer. */
const KEPT_MS = 10 * 60_000;
/** Made by hand, or by a script. A thousand answers are about a megabyte. */
const MOST = 1_000;
const LONGEST = 255;

export function createRetries(now: Clock): Retries {
  const asked = new Map<string, Asked>();

  function forget(): void {
    for (const [name, { at }] of asked) {
      if (at > now() - KEPT_MS && asked.size < MOST) break;
      asked.delete(name);
    }
  }

  return {
    async once(request, body, act) {
      const key = request.get(IDEMPOTENCY_KEY);
      if (key === undefined) return act();
      if (key === '' || key.length > LONGEST) throw refused(IDEMPOTENCY_KEY, `must have 1 to ${LONGEST} characters`);
      forget();
      const name = `${request.method} ${request.baseUrl}${request.path} ${key}`;
      const digest = createHash('sha256').update(JSON.stringify(body)).digest('base64url');
      const known = asked.get(name);
      if (known !== undefined && known.digest !== digest) throw refused(IDEMPOTENCY_KEY, 'was used for another question; use a new one');
      if (known !== undefined) return known.answer as ReturnType<typeof act>;
      const answer = act();
      asked.set(name, { at: now(), digest, answer });
      answer.catch(() => asked.delete(name));
      return answer;
    },
  };
}
