/** Breakers as the operator sees them: the counts are the breaker's, the time is its rest's. */
import { type BreakerRecord, failuresOf } from './breaker.ts';
import type { BreakerView } from './contract.ts';
import type { Rest, Rests } from './rest.ts';

export function tellBreaker(record: BreakerRecord, rests: Pick<Rests, 'all'>, now: number): BreakerView {
  const { scope, key, provider, model, accountId, consecutive } = record;
  const rest = record.opened === 0 ? undefined : rests.all(now).find((one) => one.key === key);
  return {
    scope, provider,
    ...(model !== undefined && { model }),
    ...(accountId !== undefined && { accountId }),
    state: stateOf(rest, now),
    ...(rest !== undefined && { until: rest.until }),
    consecutive,
    ...failuresOf(record, now),
  };
}

function stateOf(rest: Rest | undefined, now: number): BreakerView['state'] {
  if (rest === undefined) return 'closed';
  return rest.until > now ? 'open' : 'half-open';
}
