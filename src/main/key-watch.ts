/**
 * Whether accounts are well: by their traffic where there is any, and at rest by asking after their keys where the
 * provider has a door for that which costs no quota.
 */
import type { KeptAccounts } from '../accounts/accounts.ts';
import type { AccountView } from '../accounts/accounts.ts';
import type { Inquiry } from '../providers/inquire.ts';
import type { Account, Catalogue, Emit, GatewayEvent, Provider } from '../types.ts';
import { spentUntil } from './day-spent.ts';

export interface KeyWatchOptions {
  readonly accounts: Pick<KeptAccounts, 'view' | 'learn' | 'judge' | 'reopen'>;
  readonly catalogue: () => Catalogue;
  readonly inquiry: Pick<Inquiry, 'checkKey'>;
  readonly credentialOf: (account: Account, origin: string) => string;
  readonly unlocked: () => boolean;
  readonly now: () => number;
  /** Calls once after so many milliseconds; the returned function takes it back. */
  readonly after: (milliseconds: number, call: () => void) => () => void;
  readonly random: () => number;
  readonly emit: Emit;
}

export interface KeyWatch {
  /** Must hear every gateway event. */
  readonly observe: (event: GatewayEvent) => void;
  readonly close: () => void;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** How often is looked who is due. Also how long a refused key waits for the question that confirms it. */
const LOOK_MS = MINUTE;
/** What is left of today is told soon after a start, an unlocking or an adding: not at once, so that a daemon in a crash loop asks nobody, and one after the other. */
const FIRST_MS = 30_000;
const STAGGER_MS = 15_000;
/** An account nobody used for so long is asked after: four questions a day are no burden to anyone. */
const REST_MS = 6 * HOUR;
/** A suspended key is asked after soon, in case it was a provider's slip, then ever less often. */
const PROBES_MS = [15 * MINUTE, HOUR, 3 * HOUR, REST_MS];
/** A try costs a request its first attempt: one a day. */
const TRY_MS = 24 * HOUR;

interface Watched {
  due: number;
  /** Since this start. */
  asked: boolean;
  /** How often it was refused in a row. */
  refused: number;
}

export function createKeyWatch({ accounts, catalogue, inquiry, credentialOf, unlocked, now, after, random, emit }: KeyWatchOptions): KeyWatch {
  const watched = new Map<string, Watched>();
  const byName = new Map<string, string>();
  const spent = new Map<string, number>();
  const onTrial = new Set<string>();
  const running = { stopped: false, cancel: (): void => undefined };

  /** Half to one and a half of it: accounts that were added, or suspended, together are not asked after together. */
  const later = (milliseconds: number): number => now() + milliseconds * (0.5 + random());
  const probeAt = (refused: number): number => later(PROBES_MS[Math.min(refused, PROBES_MS.length - 1)] ?? REST_MS);

  const watch = ({ account, state }: AccountView): Watched => {
    const known = watched.get(account.id) ?? { due: state === 'suspended' ? probeAt(0) : now() + FIRST_MS + watched.size * STAGGER_MS, asked: false, refused: 0 };
    watched.set(account.id, known);
    byName.set(`${account.provider}/${account.label}`, account.id);
    return known;
  };

  /** Asks after one key, and says when to ask again. */
  const ask = async ({ account, state }: AccountView, provider: Provider, own: Watched): Promise<void> => {
    const suspended = state === 'suspended';
    own.asked = true;
    try {
      const { ok, facts } = await inquiry.checkKey(provider, credentialOf(account, new URL(provider.baseUrl).origin));
      if (running.stopped) return;
      own.refused = ok ? 0 : own.refused + 1;
      if (ok) accounts.learn(account.id, facts);
      // One refusal may be the provider's hiccup; the same answer a look later is not.
      if (ok ? suspended : !suspended && own.refused > 1) accounts.judge(account.id, ok);
      own.due = ok ? later(REST_MS) : !suspended && own.refused === 1 ? now() + LOOK_MS : probeAt(own.refused - 1);
    } catch {
      // Nothing was learned of the key. An outage is told by whoever has traffic there.
      own.due = later(HOUR);
    }
  };

  /** Where nothing free tells a good key from a bad one, a request of somebody's has to. */
  const letTry = ({ account, state }: AccountView, own: Watched): void => {
    own.due = later(TRY_MS);
    if (state !== 'suspended') return;
    own.refused += 1;
    accounts.reopen(account.id);
  };

  const tellSpent = (view: AccountView, provider: Provider): void => {
    const until = spentUntil(view, provider, now());
    if (until === undefined || (spent.get(view.account.id) ?? 0) > now()) return;
    spent.set(view.account.id, until);
    emit({ type: 'account-changed', account: view.account, state: 'resting', reason: 'day-spent', until });
  };

  const tellTrial = ({ account, trial }: AccountView, { title, notes = '' }: Provider): void => {
    if (trial !== true || onTrial.has(account.id)) return;
    onTrial.add(account.id);
    emit({ type: 'notice', level: 'warn', message: `${account.provider}/${account.label} is on a trial of ${title}, which expires. ${notes}`.trim(), fields: { provider: account.provider, account: account.label } });
  };

  const look = async (): Promise<void> => {
    const views = accounts.view().filter(({ account }) => account.enabled);
    const ids = new Set(views.map(({ account }) => account.id));
    for (const known of [watched, spent]) for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
    for (const view of views) {
      const provider = catalogue().providers.get(view.account.provider);
      if (provider === undefined) continue;
      const own = watch(view);
      tellTrial(view, provider);
      tellSpent(view, provider);
      if (own.due > now() || !unlocked() || provider.status === 'retired') continue;
      // One after the other: nobody is in a hurry.
      if (provider.keyCheckPath === undefined) letTry(view, own);
      else await ask(view, provider, own);
      if (running.stopped) return;
    }
  };

  const lookOn = (): void => {
    void look().finally(() => {
      if (!running.stopped) running.cancel = after(LOOK_MS, lookOn);
    });
  };
  lookOn();

  return {
    observe(event) {
      if (event.type === 'attempt-finished' && event.attempt.sent) {
        const own = watched.get(byName.get(`${event.attempt.provider}/${event.attempt.account}`) ?? '');
        // Answers say as much of a key as asking after it would, but not always of what is left.
        if (own?.asked === true && event.attempt.outcome === 'ok') Object.assign(own, { due: now() + REST_MS * (0.5 + random()), refused: 0 });
      }
      if (event.type === 'account-changed' && event.state === 'suspended') {
        const own = watched.get(event.account.id);
        if (own !== undefined && own.refused === 0) own.due = probeAt(0);
      }
    },
    close() {
      running.stopped = true;
      running.cancel();
    },
  };
}
