/** What an answer's headers say about its provider's windows. */
import type { Fact, Unit } from '../types.ts';
import type { HttpHeaders } from './dialect.ts';
import type { Moment } from './reset.ts';
import { LONGEST_WINDOW, resetAt } from './reset.ts';

export const MINUTE_SECONDS = 60;
export const HOUR_SECONDS = 60 * MINUTE_SECONDS;
export const DAY_SECONDS = 24 * HOUR_SECONDS;
/** A month is a calendar's; thirty days is its name as a length, here as in the configuration. */
export const MONTH_SECONDS = 30 * DAY_SECONDS;

/** By every word for them. */
export const SECONDS: Readonly<Record<string, number>> = {
  minute: MINUTE_SECONDS,
  min: MINUTE_SECONDS,
  hour: HOUR_SECONDS,
  hourly: HOUR_SECONDS,
  day: DAY_SECONDS,
  daily: DAY_SECONDS,
  month: MONTH_SECONDS,
  monthly: MONTH_SECONDS,
};

interface Spoken {
  /** The window a bare `-requests` or `-tokens` counts. */
  readonly requests?: number;
  readonly tokens?: number;
  readonly audio_seconds?: number;
  readonly scope?: 'model' | 'pool';
}

/** What headers leave out. Groq's requests are a day's, its tokens a minute's and its seconds of sound an hour's, and never another. */
const spoken: Readonly<Record<string, Spoken>> = {
  groq: { requests: DAY_SECONDS, tokens: MINUTE_SECONDS, audio_seconds: HOUR_SECONDS, scope: 'model' },
  cerebras: { scope: 'model' },
  mistral: { scope: 'model' },
  // Small accounts count requests by the day, others by the minute: the header does not say.
  openai: { tokens: MINUTE_SECONDS, scope: 'model' },
  azure: { requests: MINUTE_SECONDS, tokens: MINUTE_SECONDS, scope: 'model' },
  anthropic: { requests: MINUTE_SECONDS, tokens: MINUTE_SECONDS, scope: 'model' },
};

export function scopeAt(provider: string): 'model' | 'pool' | undefined {
  return spoken[provider]?.scope;
}

const OPENAI = /^x-ratelimit-(?<what>limit|remaining|reset)-(?<unit>req|requests|tokens|audio-seconds)(?:-(?<window>minute|hour|day|month))?$/;
const ANTHROPIC = /^anthropic-ratelimit-(?<unit>requests|tokens)-(?<what>limit|remaining|reset)$/;
const COHERE = /^x-(?:trial-)?endpoint-(?:(?<window>monthly)-)?call-(?<what>limit|remaining)$/;

const UNIT_NAMES: Readonly<Record<string, Unit>> = { tokens: 'tokens', 'audio-seconds': 'audio_seconds' };

interface Draft {
  unit: Unit;
  seconds?: number;
  limit?: number;
  remaining?: number;
  resetAt?: number;
}

export function readHeaderFacts({ headers, provider }: { readonly headers: HttpHeaders; readonly provider: string }, now: number): readonly Fact[] {
  const drafts = new Map<string, Draft>();
  const moment = momentOf(headers, now);
  for (const [name, value] of Object.entries(headers)) {
    // Most headers speak of something else: two looks tell.
    if (typeof value !== 'string' || (!name.startsWith('x-') && !name.startsWith('anthropic-'))) continue;
    const said = (OPENAI.exec(name) ?? COHERE.exec(name) ?? ANTHROPIC.exec(name))?.groups;
    if (said === undefined) continue;
    const unit = UNIT_NAMES[said['unit'] ?? ''] ?? 'requests';
    const seconds = windowOf(name, said['window'], spoken[provider]?.[unit]);
    const key = `${unit} ${seconds ?? ''}`;
    const draft = drafts.get(key) ?? { unit, ...(seconds !== undefined && { seconds }) };
    drafts.set(key, draft);
    note(draft, said['what'], value, moment);
  }
  const scope = scopeAt(provider);
  return [...drafts.values()]
    .filter(({ limit, remaining }) => limit !== undefined || remaining !== undefined)
    .map((draft) => ({ source: 'header' as const, ...draft, ...(scope !== undefined && { scope }) }));
}

function windowOf(name: string, window: string | undefined, bare: number | undefined): number | undefined {
  if (window !== undefined) return SECONDS[window];
  // Cohere's trial keys count calls by the minute.
  return name.startsWith('x-trial-') ? MINUTE_SECONDS : bare;
}

function note(draft: Draft, what: string | undefined, value: string, moment: Moment): void {
  if (what === 'reset') {
    const at = resetAt(value, moment);
    if (at !== undefined) draft.resetAt = Math.min(Math.max(at, moment.now), moment.now + LONGEST_WINDOW);
    return;
  }
  const count = value.trim() === '' ? Number.NaN : Number(value);
  // Azure writes -1 for "not counted".
  if (Number.isFinite(count) && count >= 0) draft[what === 'limit' ? 'limit' : 'remaining'] = count;
}

/** Now, by our clock and by the sender's. */
export function momentOf(headers: HttpHeaders, now: number): Moment {
  const theirs = Date.parse(String(headers['date'] ?? ''));
  return Number.isNaN(theirs) ? { now } : { now, theirs };
}

