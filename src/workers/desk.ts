/**
 * The owner's side of one worker: lets its requests in, takes their turns, and tells what became of them, as the daemon
 * does for its own. What a worker leaves unfinished when it dies is finished here.
 */
import { createAbort } from '../abort.ts';
import type { Abort } from '../abort.ts';
import type { Accounts, Lease } from '../accounts/accounts.ts';
import { consequences, failureOf, FailureError } from '../failure.ts';
import type { Door } from '../http/door.ts';
import { createInFlight } from '../in-flight.ts';
import type { Account, Attempt, Catalogue, ChatRequest, Clock, Emit, Surface } from '../types.ts';
import type { Ask, Credential, Presence, ToldRequest, ToOwner, ToWorker } from './messages.ts';
import { createNamedTargets } from './targets.ts';
import type { NamedTargets } from './targets.ts';

export interface DeskOptions {
  readonly accounts: Pick<Accounts, 'acquire' | 'outlook'>;
  readonly catalogue: () => Catalogue;
  readonly door: Pick<Door, 'admit'>;
  readonly credentialOf: (account: Account, origin: string) => string;
  readonly emit: Emit;
  readonly now: Clock;
  readonly post: (message: ToWorker) => void;
}

export interface Desk {
  readonly hear: (message: Exclude<ToOwner, Presence>) => void;
  /** Credentials told before will have to be told again. */
  readonly forget: () => void;
  /** The worker is gone: its turns end as taken, its places in line are given up, its requests are told as broken. */
  readonly bury: () => void;
}

/** A request that was let in. */
interface Guest {
  readonly request: ChatRequest;
  readonly attempts: Attempt[];
  /** The last turn it was given, but for one that came to nothing. */
  lease?: Lease | undefined;
  passedOver?: () => readonly Attempt[];
}

interface Turn {
  readonly guest: Guest;
  readonly left: Abort;
  /** Absent: it waits. */
  lease?: Lease;
}

export function createDesk({ accounts, catalogue, door, credentialOf, emit, now, post }: DeskOptions): Desk {
  const guests = createInFlight<Guest>();
  const turns = createInFlight<Turn>();
  const named = createNamedTargets(catalogue);
  const told = new Map<string, Credential['secret']>();

  /** Throws what the door throws. */
  function letIn(id: string, shown: ToldRequest | undefined): Guest {
    // Whatever JSON leaves out was undefined, which a request has for nothing.
    const request = shown as ChatRequest | undefined;
    if (request === undefined) throw new FailureError({ kind: 'internal', message: `nothing is known of ${id}` });
    const expelled = door.admit(request);
    expelled.addEventListener('abort', () => post({ type: 'expelled', id, failure: failureOf(expelled.reason) }), { once: true });
    const guest: Guest = { request, attempts: [] };
    guests.set(id, guest);
    emit({ type: 'request-started', request });
    return guest;
  }

  function ask(message: Ask): void {
    const { turn: number, id } = message;
    const guest = guests.get(id);
    try {
      const known = guest ?? letIn(id, message.request);
      const turn: Turn = { guest: known, left: createAbort() };
      turns.set(number, turn);
      void take(message, turn);
    } catch (error) {
      const failure = failureOf(error);
      const { request } = message;
      if (request !== undefined) refused(request as ChatRequest, failure.kind);
      post({ type: 'no', turn: number, failure, refused: true });
    }
  }

  function refused({ id, surface, receivedAt, trace }: ChatRequest, kind: keyof typeof consequences): void {
    emit({ type: 'request-refused', refusal: { id, method: 'POST', path: pathOf(surface), asked: true, receivedAt, totalMs: now() - receivedAt, status: consequences[kind].status, failure: kind, ...(trace && { trace }) } });
  }

  async function take(message: Ask, turn: Turn): Promise<void> {
    const { turn: number, strategy, lastTurnAt } = message;
    const { guest, left } = turn;
    const list = named(message.targets);
    try {
      const lease = await accounts.acquire({
        request: guest.request,
        candidates: list.targets,
        excluded: excludedBy(message.excluded, list),
        signal: left.signal,
        ...(lastTurnAt !== undefined && { lastTurnAt: () => lastTurnAt }),
        ...(strategy && { strategy }),
      });
      if (left.signal.aborted) return lease.cancel();
      turn.lease = guest.lease = lease;
      guest.passedOver = lease.passedOver;
      const credential = credentialFor(lease);
      post({ type: 'turn', turn: number, place: list.placeOf(lease.target), account: lease.account.id, pool: lease.pool, queuedMs: lease.queuedMs, ...(credential && { credential }) });
    } catch (error) {
      turns.take(number);
      const failure = failureOf(error);
      if ('attempts' in failure) guest.passedOver = () => failure.attempts;
      post({ type: 'no', turn: number, failure });
    }
  }

  /** Undefined: the worker has it. It is opened each time all the same, so that a lock holds at once and every use is counted. */
  function credentialFor({ account }: Lease): Credential | undefined {
    const secret = opened(account);
    if (told.get(account.id) === secret) return undefined;
    if (typeof secret === 'string') told.set(account.id, secret);
    else told.delete(account.id);
    return { account: account.id, origin: account.origin, secret };
  }

  function opened(account: Account): Credential['secret'] {
    try {
      return credentialOf(account, account.origin);
    } catch (error) {
      return { failure: failureOf(error) };
    }
  }

  async function outlook({ turn, id, targets }: ToOwner & { readonly type: 'outlook' }): Promise<void> {
    const guest = guests.get(id);
    const list = named(targets);
    const known = guest === undefined ? [] : await accounts.outlook(list.targets, guest.request);
    post({ type: 'outlooks', turn, outlooks: known.map(({ target, account, pool, freeAt, reason }) => ({ place: list.placeOf(target), account: account.id, pool, reason, ...(freeAt !== undefined && { freeAt }) })) });
  }

  /** Ends a turn, given or not. */
  function leave({ left, lease }: Turn): void {
    left.abort();
    lease?.cancel();
  }

  function finish({ request, attempts, passedOver }: Guest, summary: (ToOwner & { readonly type: 'finished' })['summary']): void {
    emit({ type: 'request-finished', request, summary: Object.assign(summary, { attempts }, passedOver && { passedOver }) });
  }

  return {
    hear(message) {
      switch (message.type) {
        case 'ask': return ask(message);
        case 'outlook': return void outlook(message);
        case 'learn': return turns.get(message.turn)?.lease?.learn(message.facts);
        case 'leave': {
          const turn = turns.take(message.turn);
          return turn && leave(turn);
        }
        case 'settle': return turns.take(message.turn)?.lease?.settle(message.usage);
        case 'cancel': return turns.take(message.turn)?.lease?.cancel(message.usage);
        case 'fail': {
          const turn = turns.take(message.turn);
          if (turn === undefined) return;
          turn.guest.lease = undefined;
          return turn.lease?.fail(message.failure, message.usage);
        }
        case 'attempt': {
          const guest = guests.get(message.id);
          if (guest === undefined) return;
          guest.attempts.push(message.attempt);
          return emit({ type: 'attempt-finished', request: guest.request, attempt: message.attempt });
        }
        case 'finished': {
          const guest = guests.take(message.id);
          return guest && finish(guest, message.summary);
        }
        case 'event': return emit(message.event);
        default: return message satisfies never;
      }
    },
    forget: () => told.clear(),
    bury() {
      for (const turn of turns.items()) leave(turn);
      for (const guest of guests.items()) finish(guest, lost(guest, now()));
    },
  };
}

function excludedBy(names: Ask['excluded'], { placeOf }: NamedTargets): (target: NamedTargets['targets'][number], account: Account) => boolean {
  if (names === undefined) return () => false;
  const excluded = new Set(names);
  return (target, { id }) => excluded.has(`${placeOf(target)} ${id}`);
}

/** Where workers take requests. */
export const PATHS = { chat: '/v1/chat/completions', messages: '/v1/messages', completions: '/v1/completions' } as const satisfies Partial<Record<Surface, string>>;
const pathOf = (surface: Surface): string => (surface in PATHS ? PATHS[surface as keyof typeof PATHS] : surface);

/** What is known of a request whose worker died. Once it had a turn its answer may have begun, and what has begun is never free. */
function lost({ request, lease }: Guest, at: number): (ToOwner & { readonly type: 'finished' })['summary'] {
  const totalMs = at - request.receivedAt;
  return {
    status: 500,
    failure: 'internal',
    words: [],
    queueMs: lease?.queuedMs ?? 0,
    totalMs,
    overheadMs: 0,
    ...(lease && { provider: lease.target.provider.name, account: lease.account.label, model: lease.target.model.name, firstContentMs: totalMs }),
  };
}
