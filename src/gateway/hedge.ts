/**
 * Hedging: a stream that is late gets a rival in another pool, and whoever speaks first answers. It costs a call of quota
 * for every slow answer, so it is off unless asked for, and nobody is woken whose quota is not half full.
 */
import { anyOf, createAbort, pause } from '../abort.ts';
import type { Lease, Outlook } from '../accounts/accounts.ts';
import { FailureError } from '../failure.ts';
import type { CalledAnswer, Turn } from '../gateway.ts';
import { isHeld } from './deadlines.ts';

type TryOnce = (turn: Turn, lease: Lease) => Promise<CalledAnswer | undefined>;

interface Runner {
  readonly result: Promise<CalledAnswer | undefined>;
  /** Ends it as nobody's fault; resolves when its books are closed. */
  readonly leave: () => Promise<void>;
}

/** What tryOnce gives: for the first who has content, or when all have failed. */
export function hedged(turn: Turn, lease: Lease, tryOnce: TryOnce): Promise<CalledAnswer | undefined> {
  const { hedgeMs } = turn.gateway.policy();
  const alone = hedgeMs === undefined || isHeld(turn) || turn.request.relay?.form?.rest !== undefined;
  return alone ? tryOnce(turn, lease) : withRival(turn, lease, { hedgeMs, tryOnce });
}

async function withRival(turn: Turn, lease: Lease, { hedgeMs, tryOnce }: { readonly hedgeMs: number; readonly tryOnce: TryOnce }): Promise<CalledAnswer | undefined> {
  const runners: Runner[] = [];
  const race: { winner?: Runner } = {};
  const run = (mine: Lease): Runner => {
    const left = createAbort();
    const commit = async (): Promise<void> => {
      if (race.winner !== undefined) throw slower();
      race.winner = runner;
      await Promise.all(runners.filter((other) => other !== runner).map((other) => other.leave()));
    };
    const result = tryOnce({ ...turn, signal: anyOf([turn.signal, left.signal]), commit }, mine);
    const over = result.then(() => undefined, () => undefined);
    const runner: Runner = {
      result,
      leave() {
        left.abort(slower());
        return over;
      },
    };
    runners.push(runner);
    return runner;
  };

  const first = run(lease);
  const soon = await Promise.race([first.result.then(() => true, () => true), pause(hedgeMs, turn.signal).then((whole) => !whole)]);
  const rival = soon ? undefined : await spare(turn, lease);
  if (rival === undefined) return first.result;
  return firstOf([first, run(rival)]);
}

/** The answer of whoever has one; else what the first to fail made of it. */
async function firstOf(runners: readonly Runner[]): Promise<CalledAnswer | undefined> {
  const answers = runners.map(async ({ result }) => (await result) ?? Promise.reject(new Error('failed, and the loop goes on')));
  try {
    return await Promise.any(answers);
  } catch {
    return runners[0]?.result;
  }
}

/** A turn at once, in another pool with half of its quota left. */
async function spare({ gateway, request, targets, exclusions, signal }: Turn, busy: Lease): Promise<Lease | undefined> {
  const roomy = new Set(gateway.accounts.view().filter(({ windows }) => windows.every(({ used, limit }) => used * 2 <= limit)).map(({ pool }) => pool));
  const fits = ({ target, account, pool, freeAt }: Outlook): boolean => freeAt !== undefined && freeAt <= gateway.now() && pool !== busy.pool && roomy.has(pool) && !exclusions.excluded(target, account, pool);
  const rival = (await gateway.accounts.outlook(targets, request)).find(fits);
  if (rival === undefined || !gateway.retries.take()) return undefined;
  const demand = { request: { ...request, deadline: gateway.now() }, candidates: [rival.target], signal, excluded: (_target: unknown, { id }: { readonly id: string }): boolean => id !== rival.account.id };
  return gateway.accounts.acquire(demand).catch(() => undefined);
}

const slower = (): FailureError => new FailureError({ kind: 'cancelled', message: 'another was asked, too, and spoke first' });
