/**
 * Accounts, door and listeners as a worker has them: questions to the owner, and what it is told to tell on. One question
 * a request lets it in and takes its first turn; nothing of it is counted here.
 */
import { createAbort } from '../abort.ts';
import type { Abort } from '../abort.ts';
import type { Accounts, Demand, Lease, Outlook } from '../accounts/accounts.ts';
import { openingOf } from '../accounts/conversation.ts';
import { poolOf } from '../accounts/pool-of.ts';
import { FailureError, whyLeft } from '../failure.ts';
import { createInFlight } from '../in-flight.ts';
import type { AbortSignalLike, Account, ChatRequest, Emit, GatewayEvent, Target } from '../types.ts';
import type { Credential, ToldRequest, ToOwner, ToWorker } from './messages.ts';
import { createTargetNames } from './targets.ts';

export interface RemoteAccountsOptions {
  readonly post: (message: ToOwner) => void;
  /** The snapshot in force. */
  readonly account: (id: string) => Account | undefined;
  readonly accountsOf: (provider: string) => readonly Account[];
  /** The owner logs what was asked, too. */
  readonly bodies: boolean;
  /** Hears of the requests that the owner hears of. */
  readonly listener: Emit;
  /** From now on the request is answered here. */
  readonly taken: (id: string) => void;
}

export interface RemoteAccounts {
  readonly accounts: Pick<Accounts, 'acquire' | 'outlook' | 'view'>;
  /** The owner's door is asked with the first turn. The signal aborts when the key is revoked. */
  readonly admit: (request: ChatRequest) => AbortSignalLike;
  readonly emit: Emit;
  readonly credentialOf: (account: Account, origin: string) => string;
  /** Whether a request that came this far was never told to the owner; forgets it then. */
  readonly neverAsked: (id: string) => boolean;
  readonly hear: (message: Exclude<ToWorker, { readonly type: 'start' | 'state' | 'drain' }>) => void;
}

/** A request that is being answered. */
interface Guest {
  readonly expel: Abort;
  asked: boolean;
  /** The owner did not let it in, and has told so. */
  refused: boolean;
}

interface Waiting {
  readonly guest: Guest;
  readonly demand: Demand;
  readonly resolve: (lease: Lease) => void;
  readonly reject: (error: Error) => void;
  readonly gone: () => void;
}

export function createRemoteAccounts({ post, account: accountNamed, accountsOf, bodies, listener, taken }: RemoteAccountsOptions): RemoteAccounts {
  const guests = createInFlight<Guest>();
  const waiting = createInFlight<Waiting>();
  const outlooks = createInFlight<{ readonly candidates: readonly Target[]; readonly resolve: (known: readonly Outlook[]) => void }>();
  const credentials = new Map<string, Credential>();
  const namesOf = createTargetNames();
  const state = { turns: 0 };

  function excludedFrom({ candidates, excluded }: Demand): string[] {
    return candidates.flatMap((target, place) => accountsOf(target.provider.name).flatMap((account) => (excluded(target, account, poolOf(account, target.provider)) ? [`${place} ${account.id}`] : [])));
  }

  function firstAsk(guest: Guest, request: ChatRequest): ToldRequest {
    guest.asked = true;
    taken(request.id);
    listener({ type: 'request-started', request });
    return tell(request, bodies);
  }

  function acquire(demand: Demand): Promise<Lease> {
    const { request, candidates, signal, strategy, lastTurnAt } = demand;
    const guest = guests.get(request.id);
    if (guest === undefined) return Promise.reject(new FailureError({ kind: 'internal', message: 'a turn was asked for by nobody' }));
    const turn = (state.turns += 1);
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(whyLeft(signal));
      const gone = (): void => {
        waiting.take(turn);
        post({ type: 'leave', turn });
        reject(whyLeft(signal));
      };
      signal.addEventListener('abort', gone, { once: true });
      waiting.set(turn, { guest, demand, resolve, reject, gone });
      const asked = { type: 'ask', turn, id: request.id, targets: namesOf(candidates), strategy, lastTurnAt: lastTurnAt?.() } as const;
      // Who has asked nobody yet has nobody to leave out.
      post(guest.asked ? { ...asked, excluded: excludedFrom(demand) } : { ...asked, request: firstAsk(guest, request) });
    });
  }

  function granted({ turn, place, account: id, pool, queuedMs, credential }: ToWorker & { readonly type: 'turn' }): void {
    if (credential !== undefined) credentials.set(id, credential);
    const asked = waiting.take(turn);
    // Who has left has said so: the owner has ended the turn.
    if (asked === undefined) return;
    const { demand, resolve, reject, gone } = asked;
    demand.signal.removeEventListener('abort', gone);
    const target = demand.candidates[place];
    const account = accountNamed(id);
    if (target !== undefined && account !== undefined) return resolve(leaseOf(turn, { target, account, pool, queuedMs }));
    post({ type: 'cancel', turn, usage: undefined });
    reject(new FailureError({ kind: 'internal', message: 'a turn was given for what is not known here' }));
  }

  function leaseOf(turn: number, given: Pick<Lease, 'target' | 'account' | 'pool' | 'queuedMs'>): Lease {
    return {
      target: given.target,
      account: given.account,
      pool: given.pool,
      queuedMs: given.queuedMs,
      // The owner knows, and tells the log.
      passedOver: () => [],
      learn: (facts) => post({ type: 'learn', turn, facts }),
      settle: (usage) => post({ type: 'settle', turn, usage }),
      fail: (failure, usage) => post({ type: 'fail', turn, failure, usage }),
      cancel: (usage) => post({ type: 'cancel', turn, usage }),
    };
  }

  function denied({ turn, failure, refused }: ToWorker & { readonly type: 'no' }): void {
    const asked = waiting.take(turn);
    if (asked === undefined) return;
    if (refused === true) asked.guest.refused = true;
    asked.demand.signal.removeEventListener('abort', asked.gone);
    asked.reject(new FailureError(failure));
  }

  function finished(event: GatewayEvent & { readonly type: 'request-finished' }): void {
    const { request, summary } = event;
    const guest = guests.get(request.id);
    // It goes to the owner as it came, see neverAsked.
    if (guest === undefined || !guest.asked) return;
    guests.take(request.id);
    listener(event);
    if (guest.refused) return;
    const { attempts: _attempts, passedOver: _passedOver, ...told } = summary;
    post({ type: 'finished', id: request.id, summary: told });
  }

  return {
    accounts: {
      acquire,
      outlook: (candidates, { id }) =>
        new Promise((resolve, reject) => {
          // A request that only wants to know is not let in anywhere.
          if (guests.get(id) === undefined) return reject(new FailureError({ kind: 'internal', message: 'only the owner knows' }));
          const turn = (state.turns += 1);
          outlooks.set(turn, { candidates, resolve });
          post({ type: 'outlook', turn, id, targets: namesOf(candidates) });
        }),
      // Only hedging looks at windows, and hedged requests are the owner's.
      view: () => [],
    },
    admit({ id }) {
      const guest: Guest = { expel: createAbort(), asked: false, refused: false };
      guests.set(id, guest);
      return guest.expel.signal;
    },
    emit(event) {
      switch (event.type) {
        case 'request-started': return;
        case 'attempt-finished':
          listener(event);
          return post({ type: 'attempt', id: event.request.id, attempt: event.attempt });
        case 'request-finished': return finished(event);
        case 'request-refused':
          listener(event);
          return post({ type: 'event', event });
        case 'account-changed':
        case 'notice': return post({ type: 'event', event });
      }
    },
    credentialOf({ id, provider, label }, origin) {
      const known = credentials.get(id);
      if (known === undefined) throw new FailureError({ kind: 'vault-locked', message: 'the vault is locked; the operator can unlock it with POST /admin/vault/unlock' });
      const { secret } = known;
      if (typeof secret !== 'string') throw new FailureError(secret.failure);
      if (known.origin !== origin) throw new FailureError({ kind: 'credential', message: `the key of ${provider}/${label} was not sealed for ${origin}; add it again to use it there` });
      return secret;
    },
    neverAsked: (id) => guests.get(id)?.asked === false && guests.take(id) !== undefined,
    hear(message) {
      switch (message.type) {
        case 'turn': return granted(message);
        case 'no': return denied(message);
        case 'outlooks': {
          const asked = outlooks.take(message.turn);
          return asked?.resolve(message.outlooks.flatMap(({ place, account: id, pool, reason, freeAt }): Outlook[] => {
            const target = asked.candidates[place];
            const account = accountNamed(id);
            return target === undefined || account === undefined ? [] : [{ target, account, pool, reason, ...(freeAt !== undefined && { freeAt }) }];
          }));
        }
        case 'expelled': return guests.get(message.id)?.expel.abort(new FailureError(message.failure));
        case 'forget': return credentials.clear();
        default: return message satisfies never;
      }
    },
  };
}

/** What is undefined is not sent. */
function tell(request: ChatRequest, bodies: boolean): ToldRequest {
  const { id, surface, model, stream, body, promptTokens, audioSeconds, maxOutput, user, caller, receivedAt, deadline, deadlineNamed, priority, trace } = request;
  return {
    id, surface, model, stream,
    // What limits of keys are counted by.
    body: bodies ? body : { n: body['n'] },
    relay: undefined, text: openingOf(request), needs: [], promptTokens, audioSeconds, maxOutput, user, caller, receivedAt, deadline, deadlineNamed, priority,
    dryRun: undefined, cache: undefined, onStreamBreak: undefined, trace,
  };
}
