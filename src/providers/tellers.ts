/** Each provider's way to say which of its windows refused. Told apart by their words, not by the provider's name: many speak alike. */
import type { Unit } from '../types.ts';
import type { HttpHeaders } from './dialect.ts';
import type { Complaint } from './envelope.ts';
import { given, listAt, numberAt, recordAt, textAt } from './json.ts';
import { DAY_SECONDS, MINUTE_SECONDS, MONTH_SECONDS, SECONDS } from './limits.ts';
import { nextMidnight, nextMonth, resetAt, retryAfter } from './reset.ts';
import type { Moment } from './reset.ts';

/** The window that refused, as far as it was named. */
export interface Refusing {
  /** Absent: something we do not count ourselves, such as neurons, or what all users of a model share. */
  readonly unit?: Unit;
  readonly seconds?: number;
  /** Whose it is: this model's, the whole pool's, or everybody's who asks for this model. */
  readonly scope?: 'model' | 'pool' | 'target';
  readonly limit?: number;
  readonly remaining?: number;
  /** When a call fits again. */
  readonly resetAt?: number;
}

export interface Refused {
  readonly headers: HttpHeaders;
  readonly complaint: Complaint | undefined;
  readonly moment: Moment;
}

/** The window one provider's way of refusing names. Undefined: it is not this way. */
type Teller = (refused: Refused, complaint: Complaint) => Refusing | undefined;

/** Groq (of `audio seconds` too) and OpenAI: "… on tokens per minute (TPM): Limit 8000, Used 2591, Requested 5863. Please try again in 3.405s." */
const template: Teller = ({ moment }, complaint) => {
  const said = /on (?<unit>tokens|requests|audio seconds) per (?<window>minute|min|hour|day|month)[^:]*: Limit (?<limit>\d+)(?:, Used (?<used>\d+))?/i.exec(complaint.message)?.groups;
  if (said === undefined) return undefined;
  const limit = Number(said['limit']);
  const wait = spokenWait(complaint, moment);
  return {
    unit: unitOf(said['unit']),
    ...given('seconds', SECONDS[(said['window'] ?? '').toLowerCase()]),
    limit,
    ...(said['used'] !== undefined && { remaining: Math.max(0, limit - Number(said['used'])) }),
    ...given('resetAt', wait),
  };
};

/** Cerebras: "Tokens per minute limit exceeded - too many tokens processed." Its `param: quota` says nothing. */
const perWindow: Teller = (_refused, { message }) => {
  const said = /^(?<unit>tokens|requests) per (?<window>minute|hour|day|month) limit exceeded/i.exec(message)?.groups;
  if (said === undefined) return undefined;
  const unit = unitOf(said['unit']);
  return { unit, ...given('seconds', SECONDS[(said['window'] ?? '').toLowerCase()]), ...(unit === 'requests' && { remaining: 0 }) };
};

/** Google names the quota in a detail; a day ends at midnight in California, whatever `retryDelay` says. */
const google: Teller = ({ moment }, { details }) => {
  const told = details.flatMap((entry) => listAt(entry, 'violations')).map((violation): Refusing => {
    const name = `${textAt(violation, 'quotaId') ?? ''} ${textAt(violation, 'quotaMetric') ?? ''}`;
    const unit: Unit = /token/i.test(name) ? 'tokens' : 'requests';
    const day = /PerDay/i.test(name);
    const minute = /PerMinute/i.test(name);
    return {
      unit,
      ...(day && { seconds: DAY_SECONDS, resetAt: nextMidnight(moment.now, 'America/Los_Angeles') }),
      ...(minute && !day && { seconds: MINUTE_SECONDS }),
      ...(/PerModel/i.test(name) && { scope: 'model' }),
      ...given('limit', numberAt(violation, 'quotaValue')),
      ...(unit === 'requests' && { remaining: 0 }),
    };
  });
  return told.sort((one, other) => (other.seconds ?? 0) - (one.seconds ?? 0))[0];
};

/** OpenRouter's own caps: all free models together by the day and the minute, or one model for everybody. */
const openrouter: Teller = ({ headers, moment }, complaint) => {
  const { message, names } = complaint;
  const own = names.find((name) => name.startsWith('openrouter_free_tier')) !== undefined || /free-models-per-(day|min)/.test(message);
  const shared = names.includes('openrouter_shared_capacity') || /limit_rp[md]\//.test(message);
  if (!own && !shared) return undefined;
  const day = /free-models-per-day|limit_rpd\/|daily limit/i.test(message) || names.includes('openrouter_free_tier_daily');
  const header = (name: string): string | undefined => (typeof headers[name] === 'string' ? headers[name] : headerIn(complaint, name));
  const reset = header('x-ratelimit-reset');
  return {
    seconds: day ? DAY_SECONDS : MINUTE_SECONDS,
    // What a model's users share is nobody's own count.
    ...(shared ? { scope: 'target' } : { unit: 'requests', scope: 'pool', remaining: 0, ...given('limit', counted(header('x-ratelimit-limit'))) }),
    ...given('resetAt', (reset === undefined ? undefined : resetAt(reset, moment)) ?? (day ? nextMidnight(moment.now, 'UTC') : undefined)),
  };
};

/** Cohere's trial keys: "… limited to 1000 API calls / month." */
const cohere: Teller = ({ moment }, { message }) => {
  const said = /limited to (?<limit>\d+) API calls \/ (?<window>minute|month)/i.exec(message)?.groups;
  if (said === undefined) return undefined;
  const month = said['window']?.toLowerCase() === 'month';
  const counts = { unit: 'requests', limit: Number(said['limit']), remaining: 0 } as const;
  return month ? { ...counts, seconds: MONTH_SECONDS, scope: 'pool', resetAt: nextMonth(moment.now) } : { ...counts, seconds: MINUTE_SECONDS, scope: 'model' };
};

/** Cloudflare counts neurons, which are nobody else's unit: only the day's end can be told. */
const cloudflare: Teller = ({ moment }, { message, names }) =>
  names.includes('3036') || /daily free allocation/i.test(message) ? { seconds: DAY_SECONDS, scope: 'pool', resetAt: nextMidnight(moment.now, 'UTC') } : undefined;

/** Z.AI: "… Your limit will reset at 2026-09-03 21:15:09", by a clock in Beijing. */
const zai: Teller = (_refused, { message }) => {
  const [, date] = /reset at (\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2})/.exec(message) ?? [];
  if (date === undefined) return undefined;
  return { resetAt: Date.parse(`${date.replace(' ', 'T')}+08:00`), ...(/weekly|monthly/i.test(message) && { seconds: MONTH_SECONDS }) };
};

/** Any other provider's words, where they name a window at all. */
const plain: Teller = (_refused, { message }) => {
  const word = (/(?:tokens|requests)[- ]per[- ](minute|min|hour|day|month)\b/i.exec(message) ?? /\b(daily|hourly|monthly)\b[^.]*\b(?:limit|quota)/i.exec(message))?.[1];
  return word === undefined ? undefined : given('seconds', SECONDS[word.toLowerCase()]);
};

/** Tried in this order. */
export const tellers: readonly Teller[] = [template, perWindow, google, openrouter, cohere, cloudflare, zai, plain];

const UNIT_WORDS: Readonly<Record<string, Unit>> = { tokens: 'tokens', 'audio seconds': 'audio_seconds' };

function unitOf(word: string | undefined): Unit {
  return UNIT_WORDS[word?.toLowerCase() ?? ''] ?? 'requests';
}

function counted(text: string | undefined): number | undefined {
  const number = Number(text ?? Number.NaN);
  return Number.isFinite(number) && number >= 0 ? number : undefined;
}

/** "Please try again in 2m59.56s", Azure's "retry after 60 seconds", Google's `retryDelay`, OpenRouter's `retry_after_seconds`. */
export function spokenWait(complaint: Complaint, moment: Moment): number | undefined {
  const [, words] = /(?:try again|retry) (?:in|after) ([\dhmsµu. ]+?s|[\dhm. ]+[hm]|[\d.]+ seconds?)(?=[\s.,]|$)/i.exec(complaint.message) ?? [];
  const info = complaint.details.find((entry) => textAt(entry, 'retryDelay') !== undefined);
  const seconds = numberAt(complaint.metadata, 'retry_after_seconds');
  const text = words ?? textAt(info, 'retryDelay');
  if (text !== undefined) return retryAfter(text, moment);
  return seconds === undefined ? undefined : moment.now + seconds * 1000;
}

/** OpenRouter repeats headers inside its errors, with the case of its choosing. */
export function headerIn(complaint: Complaint | undefined, name: string): string | undefined {
  const headers = recordAt(complaint?.metadata, 'headers') ?? {};
  const found = Object.entries(headers).find(([written]) => written.toLowerCase() === name)?.[1];
  return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined;
}
