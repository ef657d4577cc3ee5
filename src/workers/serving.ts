/** What a worker does with a request: it answers conversations by the same gateway as the daemon, and hands on all else. */
import type { ErrorRequestHandler, Express } from 'express';
import { bareApp, tellError } from '../app.ts';
import { failureOf, FailureError } from '../failure.ts';
import type { FailureKind } from '../failure.ts';
import type { Gateway } from '../gateway.ts';
import type { EntryOptions } from '../http/arrival.ts';
import { conversationRoute } from '../http/conversation.ts';
import { createDoor } from '../http/door.ts';
import { createEntrance, requestIdOf } from '../http/entrance.ts';
import type { EntranceOptions } from '../http/entrance.ts';
import { bearerOf } from '../http/guards.ts';
import { looksLikeSecret } from '../keys/secret.ts';
import { classify } from '../routing/classify.ts';
import { chat } from '../surfaces/chat.ts';
import { completions } from '../surfaces/completions.ts';
import { messages } from '../surfaces/messages.ts';
import type { ChatRequest, Clock } from '../types.ts';
import { PATHS } from './desk.ts';
import type { HandOn } from './hand-on.ts';
import type { Start } from './messages.ts';
import type { RemoteAccounts } from './remote-accounts.ts';
import type { Snapshots } from './snapshots.ts';

export interface ServingOptions extends Omit<EntryOptions, 'door' | 'bodyLimit' | 'callerMs' | 'heartbeatMs' | 'readerMs'>, Omit<EntranceOptions, 'now' | 'signedCallers' | 'allowedHosts'> {
  readonly start: Start;
  readonly snapshots: Snapshots;
  readonly remote: RemoteAccounts;
  readonly handOn: HandOn;
}

export function createServing({ start, snapshots, remote, handOn, gateway, live, draining, load }: ServingOptions): Express {
  const { settings: { server, deadlines }, allowedHosts, signed } = start;
  const app = bareApp();
  const entrance = createEntrance({ allowedHosts, draining, load, signedCallers: { verify: signed ? leaveSigned : () => undefined }, now: gateway.now });
  const entry: EntryOptions = { gateway, live, door: doorOf(start, snapshots, remote, gateway.now), bodyLimit: server.bodyLimitBytes, callerMs: deadlines.callerMs, heartbeatMs: deadlines.heartbeatMs, readerMs: deadlines.readerMs };
  for (const [surface, speak] of [['chat', chat], ['messages', messages], ['completions', completions]] as const) {
    app.post(PATHS[surface], entrance.regulars, handOn.keep, conversationRoute(entry, speak));
  }
  app.use(handOn.pass);
  app.use(errorsOf(gateway, remote, handOn));
  return app;
}

/** Thrown where a request is the owner's: like every error before a turn was asked for, it sends the request on. */
const leave = (): never => {
  throw new FailureError({ kind: 'internal', message: 'this request is the owner’s' });
};

/** Whose proof is no virtual key is known to the owner. */
const leaveSigned = (request: Parameters<EntranceOptions['signedCallers']['verify']>[0]): undefined => {
  const token = bearerOf(request);
  return token === undefined || looksLikeSecret(token) ? undefined : leave();
};

function doorOf({ settings, loopback }: Start, snapshots: Snapshots, remote: RemoteAccounts, now: Clock): EntryOptions['door'] {
  const { identify, allow } = createDoor({ keys: snapshots.keys, admission: { admit: leave }, estimateListUsd: () => 0, now, mode: settings.auth, loopback });
  /** Answers are kept in one place, and rivals are chosen by all windows. */
  const isOwners = (request: ChatRequest): boolean =>
    (request.stream && settings.retries.hedgeMs !== undefined) || (snapshots.caching() && request.cache !== 'off' && classify(request, snapshots.rules()).rule?.cache !== undefined);
  return {
    identify,
    allow,
    admit: (request) => (isOwners(request) ? leave() : remote.admit(request)),
  };
}

/** Nobody else could say anything better: the client has left, or this process should be left alone. */
const OWN: ReadonlySet<FailureKind> = new Set<FailureKind>(['cancelled', 'too-busy', 'shutting-down']);

/** The owner answers what no turn was asked for: it knows more, and a refusal is told in one way. */
function errorsOf(gateway: Gateway, remote: RemoteAccounts, handOn: HandOn): ErrorRequestHandler {
  const tell = tellError(gateway);
  return (error: unknown, request, response, next) => {
    const { kind } = failureOf(error);
    const unasked = response.locals['asked'] !== true || remote.neverAsked(requestIdOf(response));
    if (unasked && !response.headersSent && !response.destroyed && !OWN.has(kind)) handOn.pass(request, response, next);
    else tell(error, request, response, next);
  };
}
