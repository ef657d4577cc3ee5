/** What a rate limit's refusal says about the window that refused: in words, in details, in headers. */
import type { Fact } from '../types.ts';
import type { HttpFailure } from './dialect.ts';
import type { Complaint } from './envelope.ts';
import { given } from './json.ts';
import { MINUTE_SECONDS, momentOf, readHeaderFacts, scopeAt } from './limits.ts';
import { LONGEST_HINT, LONGEST_WINDOW, resetAt, retryAfter, sane } from './reset.ts';
import { headerIn, spokenWait, tellers } from './tellers.ts';
import type { Refused, Refusing } from './tellers.ts';

export interface Refusal {
  /** Absent: nothing was named. */
  readonly window?: Refusing;
  readonly retryAt?: number;
  /** What the headers said, then what the refusal did. */
  readonly facts: readonly Fact[];
}

/** Elsewhere a text that speaks of limits may be a client's own. 200: an error inside an answer, which often has no number. */
const LIMITING: ReadonlySet<number> = new Set([200, 402, 413, 429]);

/** The windows a refusal names outrank its hints: Gemini says "32 s" of a day that is over. */
export function readRefusal(failure: HttpFailure, complaint: Complaint | undefined, now: number): Refusal {
  const { status, headers, provider } = failure;
  const refused: Refused = { headers, complaint, moment: momentOf(headers, now) };
  const told = readHeaderFacts(failure, now);
  const window = complaint !== undefined && LIMITING.has(status) ? firstOf(tellers, (tell) => tell(refused, complaint)) : undefined;
  // What is too large stays too large, whatever `retry-after` comes with it.
  const at = status === 413 ? undefined : (window?.resetAt ?? hintOf(refused) ?? spentUntil(told, window));
  const longest = (window?.seconds ?? 0) > MINUTE_SECONDS ? LONGEST_WINDOW : LONGEST_HINT;
  const retry = given('retryAt', at === undefined ? undefined : sane(at, now, longest));
  if (window === undefined) return { ...retry, facts: told };
  const exact: Refusing = { ...window, ...given('resetAt', retry.retryAt) };
  return { ...retry, window: exact, facts: [...told, ...factsOf(exact, provider)] };
}

function firstOf<Item, Value>(items: readonly Item[], read: (item: Item) => Value | undefined): Value | undefined {
  for (const item of items) {
    const value = read(item);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** None where nothing was said that could correct a count. */
function factsOf(window: Refusing, provider: string): readonly Fact[] {
  const { unit, limit, remaining, resetAt } = window;
  const scope = window.scope ?? scopeAt(provider);
  if (unit === undefined || scope === 'target' || (limit === undefined && remaining === undefined && resetAt === undefined)) return [];
  const { scope: _told, ...counts } = window;
  return [{ ...counts, unit, ...given('scope', scope), source: 'refusal' }];
}

/** When the window that refused, or else the one that is spent, is whole again by its own header. */
function spentUntil(told: readonly Fact[], window: Refusing | undefined): number | undefined {
  const own = told.find(({ unit, seconds }) => unit === window?.unit && seconds === window?.seconds);
  return (own ?? told.find(({ remaining }) => remaining === 0))?.resetAt;
}

/** The most exact of the times a refusal without a named reset gives. */
function hintOf({ headers, complaint, moment }: Refused): number | undefined {
  const spoken = complaint === undefined ? undefined : spokenWait(complaint, moment);
  const milliseconds = Number(headers['retry-after-ms'] ?? Number.NaN);
  const header = headers['retry-after'] ?? headerIn(complaint, 'retry-after');
  const reset = headers['x-ratelimit-reset'] ?? headerIn(complaint, 'x-ratelimit-reset');
  return (
    spoken ??
    (Number.isFinite(milliseconds) ? moment.now + milliseconds : undefined) ??
    (typeof header === 'string' ? retryAfter(header, moment) : undefined) ??
    (typeof reset === 'string' ? resetAt(reset, moment) : undefined)
  );
}
