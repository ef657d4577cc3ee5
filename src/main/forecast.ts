/** Tells, once in its period, when a day's or a month's quota will be used up before it comes back. */
import type { AccountView, WindowView } from '../accounts/accounts.ts';
import type { Emit } from '../types.ts';

export interface ForecastOptions {
  readonly view: () => readonly AccountView[];
  readonly now: () => number;
  /** Calls once after so many milliseconds; the returned function takes it back. */
  readonly after: (milliseconds: number, call: () => void) => () => void;
  readonly emit: Emit;
}

/** The pace is that of the last hour: looking more often than this shows nothing new. */
const LOOK_MS = 5 * 60_000;
/** A pace known for less than a tenth of the quota may be a burst. */
const LEAST_USED = 0.1;
/** Who runs out just before more comes needs no telling. */
const LEAST_GAP_MS = 3_600_000;

/** Returns what ends it. */
export function tellForecasts({ view, now, after, emit }: ForecastOptions): () => void {
  /** Until when each window has been told of. */
  const told = new Map<string, number>();
  const running = { cancel: (): void => undefined };

  function tell(pool: string, { account }: AccountView, { unit, seconds, model, resetsAt, emptyAt }: WindowView): void {
    if (emptyAt === undefined || resetsAt === undefined) return;
    const key = `${pool} ${model ?? ''} ${unit} ${seconds}`;
    if (resetsAt - emptyAt < LEAST_GAP_MS || (told.get(key) ?? 0) > now()) return;
    told.set(key, resetsAt);
    emit({
      type: 'notice',
      level: 'warn',
      message: `the ${unit} of ${pool}${model === undefined ? '' : ` for ${model}`} will be used up by ${time(emptyAt)} at the pace of the last hour, and come back by ${time(resetsAt)}; spread the load, or add an account`,
      fields: { provider: account.provider, account: account.label, pool, unit, seconds, ...(model !== undefined && { model }) },
    });
  }

  function look(): void {
    for (const [key, until] of told) if (until <= now()) told.delete(key);
    for (const one of view()) for (const window of one.windows) if (window.used >= window.limit * LEAST_USED) tell(one.pool, one, window);
    running.cancel = after(LOOK_MS, look);
  }
  running.cancel = after(LOOK_MS, look);
  return () => running.cancel();
}

const time = (at: number): string => `${new Date(at).toISOString().slice(0, 16)}Z`;
