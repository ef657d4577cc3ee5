/** `rate_limit` and `reset`: limits as people write them, windows as the quota engine counts them. */
import { z } from 'zod';
import { UNITS } from '../types.ts';
import type { Limits, WindowLimit } from '../types.ts';
import { compact, wholeNumber } from './atoms.ts';
import { shown } from './describe.ts';

/** A month is a calendar's; thirty days is its name as a length. */
const MONTH_SECONDS = 30 * 86_400;

/** Shorthand for a window of the common lengths. */
const NAMED = {
  requests_per_minute: { unit: 'requests', seconds: 60, kind: 'rolling' },
  requests_per_hour: { unit: 'requests', seconds: 3_600, kind: 'rolling' },
  requests_per_day: { unit: 'requests', seconds: 86_400, kind: 'rolling' },
  requests_per_month: { unit: 'requests', seconds: MONTH_SECONDS, kind: 'calendar' },
  tokens_per_minute: { unit: 'tokens', seconds: 60, kind: 'rolling' },
  tokens_per_hour: { unit: 'tokens', seconds: 3_600, kind: 'rolling' },
  tokens_per_day: { unit: 'tokens', seconds: 86_400, kind: 'rolling' },
  tokens_per_month: { unit: 'tokens', seconds: MONTH_SECONDS, kind: 'calendar' },
  audio_seconds_per_hour: { unit: 'audio_seconds', seconds: 3_600, kind: 'rolling' },
  audio_seconds_per_day: { unit: 'audio_seconds', seconds: 86_400, kind: 'rolling' },
} as const satisfies Readonly<Record<string, Omit<WindowLimit, 'limit'>>>;
type LimitName = keyof typeof NAMED;

const names = Object.keys(NAMED) as LimitName[];

/** What a calendar can turn: a minute, an hour, a day, a month. */
const CALENDAR_SECONDS: readonly number[] = [60, 3_600, 86_400, MONTH_SECONDS];

const amount = wholeNumber(1);
const kind = z.enum(['refill', 'rolling', 'calendar']);
const timeZone = z.string().refine(isTimeZone, { error: ({ input }) => `no time zone is called ${shown(String(input))}: use an IANA name such as America/Los_Angeles` });

const ways = { kind: kind.optional(), tz: timeZone.optional() };
const onlyCalendarHasZone = ({ kind, tz }: { kind?: string | undefined; tz?: string | undefined }): boolean => tz === undefined || kind === 'calendar';
const zoneMessage = { path: ['tz'], error: 'needs kind: calendar: nothing else knows midnight' };

const windowSchema = z
  .strictObject({ requests: amount.optional(), tokens: amount.optional(), audio_seconds: amount.optional(), seconds: wholeNumber(1, 366 * 86_400), ...ways })
  .refine((written) => UNITS.filter((unit) => written[unit] !== undefined).length === 1, { error: 'must have either requests, tokens or audio_seconds' })
  .refine(onlyCalendarHasZone, zoneMessage)
  .refine(({ kind, seconds }) => kind !== 'calendar' || CALENDAR_SECONDS.includes(seconds), {
    path: ['seconds'],
    error: `must be one of ${CALENDAR_SECONDS.join(', ')} where kind is calendar: a minute, an hour, a day, a month`,
  });

export const rateLimit = z
  .strictObject({ ...forEachName(amount.optional()), concurrent: amount.optional(), windows: z.array(windowSchema).default([]) })
  .superRefine((written, context) => {
    const windows = toWindows(written, {});
    const twice = windows.find((window, index) => windows.findIndex((other) => sameWindow(window, other)) !== index);
    if (twice !== undefined) context.addIssue(`limits ${twice.unit} in ${twice.seconds} seconds twice`);
  })
  .prefault({});

export const reset = z
  .strictObject(forEachName(z.strictObject({ ...ways, kind }).refine(onlyCalendarHasZone, zoneMessage).optional()))
  .prefault({});

export type RateLimit = z.output<typeof rateLimit>;
export type Reset = z.output<typeof reset>;

export function toLimits(written: RateLimit, resets: Reset): Limits {
  return compact({ windows: toWindows(written, resets), concurrent: written.concurrent });
}

/** Both together; of two windows that count the same, `own` is meant. */
export function mergeLimits(shared: Limits, own: Limits): Limits {
  const kept = shared.windows.filter((window) => !own.windows.some((other) => sameWindow(window, other)));
  return compact({ windows: [...kept, ...own.windows], concurrent: own.concurrent ?? shared.concurrent });
}

function toWindows(written: RateLimit, resets: Reset): WindowLimit[] {
  const named = names.flatMap((name) => {
    const limit = written[name];
    return limit === undefined ? [] : [compact({ ...NAMED[name], limit, ...wayOf(resets[name]) })];
  });
  const whole = written.windows.flatMap(({ seconds, kind: named, tz, ...amounts }) =>
    UNITS.flatMap((unit) => {
      const limit = amounts[unit];
      return limit === undefined ? [] : [compact({ unit, limit, seconds, kind: 'rolling' as const, ...wayOf({ kind: named, tz }) })];
    }));
  return [...named, ...whole];
}

function wayOf(way: { kind?: WindowLimit['kind'] | undefined; tz?: string | undefined } = {}): Pick<Partial<WindowLimit>, 'kind' | 'timeZone'> {
  return compact({ kind: way.kind, timeZone: way.tz });
}

function sameWindow(one: WindowLimit, other: WindowLimit): boolean {
  return one.unit === other.unit && one.seconds === other.seconds;
}

function forEachName<S extends z.ZodType>(schema: S): Record<LimitName, S> {
  return Object.fromEntries(names.map((name) => [name, schema])) as Record<LimitName, S>;
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
