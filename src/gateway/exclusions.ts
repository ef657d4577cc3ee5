/** Where one request may still go: the failure table, read from the loop's side. */
import type { Lease } from '../accounts/accounts.ts';
import { consequences } from '../failure.ts';
import type { Scope, UpstreamFailure } from '../failure.ts';
import type { Account, Rule, Target } from '../types.ts';

export interface Exclusions {
  /** True where this request must not go (again). */
  readonly excluded: (target: Target, account: Account, pool: string) => boolean;
  /** Takes in one failed attempt, and says where the loop goes. */
  readonly after: (lease: Lease, failure: UpstreamFailure, rule: Rule | undefined) => Step;
}

/** `stop`: the client is told this failure. `again`: the same candidate may be asked once more. `next`: others only. */
export type Step = 'stop' | 'again' | 'next';

/** A pool that refuses for its rate rests until the time it named, so one more try after that is honest; a third is not. */
const RATE_REFUSALS_A_POOL = 2;

export function createExclusions(): Exclusions {
  /** How often each was left; Infinity: it is not asked again. */
  const left = new Map<string, number>();
  const context = { floor: 0 };

  const exclude = (key: string, after = 1): Step => {
    const count = (left.get(key) ?? 0) + 1;
    left.set(key, count < after ? count : Number.POSITIVE_INFINITY);
    return count < after ? 'again' : 'next';
  };

  return {
    excluded: (target, account, pool) =>
      (target.model.context ?? Number.POSITIVE_INFINITY) <= context.floor || (left.size > 0 && scopes.some((scope) => left.get(keyOf(scope, target, account, pool)) === Number.POSITIVE_INFINITY)),

    after(lease, failure, rule) {
      const { again, elsewhere, effect } = consequences[failure.kind];
      const scope = ('scope' in failure ? failure.scope : undefined) ?? consequences[failure.kind].scope ?? 'target';
      const key = keyOf(scope, lease.target, lease.account, lease.pool);
      switch (elsewhere) {
        case 'no':
          return 'stop';
        case 'larger-context':
          // Unless it says that something else than the context was too small.
          if (scope === 'target') context.floor = Math.max(context.floor, lease.target.model.context ?? 0);
          return exclude(key);
        case 'if-the-rule-says':
          return rule?.onPolicyRefusal === 'fallback' ? exclude(key) : 'stop';
        case 'if-capability':
          return failure.kind === 'caller' && failure.capability === true ? exclude(key) : 'stop';
        case 'yes':
          if (effect !== 'rest' || !failure.kind.startsWith('rate-')) return exclude(key, again && scope !== 'provider' ? 2 : 1);
          exclude(key, RATE_REFUSALS_A_POOL);
          return 'next';
        default:
          return elsewhere satisfies never;
      }
    },
  };
}

const scopes: readonly Scope[] = ['account', 'account-model', 'pool', 'pool-model', 'target', 'provider'];

function keyOf(scope: Scope, { provider, model }: Target, account: Account, pool: string): string {
  switch (scope) {
    case 'account': return `account ${account.id}`;
    case 'account-model': return `account ${account.id} ${provider.name}/${model.name}`;
    case 'pool': return `pool ${pool}`;
    case 'pool-model': return `pool ${pool} ${provider.name}/${model.name}`;
    case 'target': return `target ${provider.name}/${model.name}`;
    case 'provider': return `provider ${provider.name}`;
    default: return scope satisfies never;
  }
}
