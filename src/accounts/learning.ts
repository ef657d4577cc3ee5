/** Which windows a fact is about, and what it changes there. */
import type { Fact } from '../types.ts';
import type { Entry } from './journal.ts';
import type { Place } from './ledger.ts';
import type { Meter } from './meter.ts';
import type { Pools } from './pools.ts';
import { type Correction, type Window, correct } from './window.ts';

export interface Learned extends Correction {
  readonly window: Window;
}

/** What we sent and upstream may not have counted when it spoke, by the meter: of the pool (0) or the model (1). */
export type Unseen = (meter: Meter, index: 0 | 1) => number;

export type Learn = (now: number, place: Place, fact: Fact, unseen: Unseen) => Learned | undefined;

export function createLearn(pools: Pools, record: (entry: Entry) => void): Learn {
  return (now, { pool: name, target }, fact, unseen) => {
    const [pool, model] = pools.covering(name, target);
    const meters = [pool.meter, model.meter] as const;
    for (const index of metersOf(fact, meters)) {
      const found = meters[index].windowFor(now, fact);
      if (found === undefined) continue;
      const missed = unseen(meters[index], index);
      const correction = correct(found.window, now, fact, missed);
      if (found.made || correction.changed || correction.turned) {
        record({ type: 'fact', at: now, provider: target.provider.name, pool: name, model: target.model.name, meter: index, fact, unseen: missed });
      }
      // What was used before we knew the window is mostly our own.
      return { window: found.window, ...correction, ...(found.made && { foreign: 0 }) };
    }
    return undefined;
  };
}

/** Which meters to ask, best first: where upstream did not say, the one that keeps such a window already, and else where limits are kept. */
function metersOf(fact: Fact, [pool, model]: readonly [Meter, Meter]): readonly (0 | 1)[] {
  if (fact.scope === 'pool') return [0];
  if (fact.scope === 'model') return [1];
  if (keepsSame(model, fact)) return [1];
  if (keepsSame(pool, fact)) return [0];
  return pool.limited && !model.limited ? [0, 1] : [1, 0];
}

const keepsSame = (meter: Meter, fact: Fact): boolean =>
  meter.windows.some(({ unit, seconds, limit }) => unit === fact.unit && seconds === fact.seconds && Number.isFinite(limit));
