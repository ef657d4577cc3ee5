/** Whether an account's free quota of the day, or of longer, is used up. */
import type { AccountView, WindowView } from '../accounts/accounts.ts';
import type { Provider } from '../types.ts';

const DAY_SECONDS = 86_400;

/** Until when nothing more can be asked. Where every model has its own day, all of them have to be over. */
export function spentUntil({ windows }: Pick<AccountView, 'windows'>, { models }: Pick<Provider, 'models'>, now: number): number | undefined {
  const full = windows.filter((window) => window.seconds >= DAY_SECONDS && window.used >= window.limit);
  const pool = latest(full.filter(({ model }) => model === undefined), now);
  if (pool !== undefined) return pool;
  const each = models.map(({ name }) => latest(full.filter(({ model }) => model === name), now));
  return each.length > 0 && each.every((until) => until !== undefined) ? Math.min(...each) : undefined;
}

function latest(windows: readonly WindowView[], now: number): number | undefined {
  const resets = windows.map(({ resetsAt = 0 }) => resetsAt).filter((at) => at > now);
  return resets.length === 0 ? undefined : Math.max(...resets);
}
