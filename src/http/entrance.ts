/** What every request passes before anything of it is read: it gets its name, and may be turned away. */
import { randomUUID } from 'node:crypto';
import type { NextFunction, RequestHandler, Response } from 'express';
import { FailureError } from '../failure.ts';
import { hostGuard } from './guards.ts';
import { secureHeaders } from './headers.ts';
import type { Load } from './load.ts';
import type { SignedCallers } from './signed-callers.ts';

export interface EntranceOptions {
  /** Host names this server goes by besides the loopback ones. Undefined: any. */
  readonly allowedHosts: readonly string[] | undefined;
  readonly draining: () => boolean;
  readonly load: Pick<Load, 'short'>;
  readonly signedCallers: Pick<SignedCallers, 'verify'>;
  readonly now: () => number;
}

export interface Entrance {
  /** For all: named, at the right host, told what a browser may do with the answer. */
  readonly everybody: RequestHandler;
  /** For what asks a model, after `everybody`: not now, or with a token that does not hold. */
  readonly askers: RequestHandler;
  /**
   * Both in one, for the paths nearly all requests take: eight handlers in a row cost a tenth of the whole request. The
   * answer's head must be written in one go by who answers, the request's name in it: a header set before costs 1 µs, and
   * makes the head itself three times as dear.
   */
  readonly regulars: RequestHandler;
}

/** Two looks at the load. */
const BUSY_MS = 1_000;

export function createEntrance({ allowedHosts, draining, load, signedCallers, now }: EntranceOptions): Entrance {
  const refuseStranger = hostGuard(allowedHosts);
  const refuseNow = (): void => {
    if (draining()) throw new FailureError({ kind: 'shutting-down', message: 'this server is shutting down; ask again in a moment' });
    const short = load.short();
    if (short !== undefined) throw new FailureError({ kind: 'too-busy', message: `this server is short of ${short}; ask again in a moment`, retryAt: now() + BUSY_MS });
  };
  return {
    everybody(request, response, next) {
      response.setHeader('x-request-id', name(response, now()));
      secureHeaders(response);
      refuseStranger(request);
      next();
    },
    async askers(request, _response, next) {
      refuseNow();
      await signedCallers.verify(request);
      next();
    },
    regulars(request, response, next) {
      name(response, now());
      refuseStranger(request);
      refuseNow();
      const proof = signedCallers.verify(request);
      if (proof === undefined) return next();
      return goOnAfter(proof, next);
    },
  };
}

/** Apart, so that nobody pays for a promise whose token needs none. */
async function goOnAfter(proof: Promise<unknown>, next: NextFunction): Promise<void> {
  await proof;
  next();
}

function name(response: Response, receivedAt: number): string {
  const id = `req_${randomUUID().replaceAll('-', '')}`;
  response.locals['requestId'] = id;
  response.locals['receivedAt'] = receivedAt;
  return id;
}

/** As its client and the log know the request. */
export const requestIdOf = (response: Response): string => String(response.locals['requestId']);

/** Undefined where the entrance was not reached. */
export const receivedAtOf = (response: Response): number | undefined => response.locals['receivedAt'] as number | undefined;

/** What answers on the regulars' paths begin with, good or bad: they had no header set before. */
export const headOf = (id: string): Record<string, string> => ({ 'x-request-id': id, 'x-content-type-options': 'nosniff' });
