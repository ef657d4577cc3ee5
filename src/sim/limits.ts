/**
 * What each provider allows: the free tiers as they were in autumn 2026, or what a limits file or a test says instead.
 */
import { z } from 'zod';
import { rateLimit, reset, toLimits } from '../config/limits.ts';
import type { RateLimit, Reset } from '../config/limits.ts';
import type { Limits as Quota, WindowLimit } from '../types.ts';
import type { ProviderName } from './types.ts';

/** An account that differs from what its key alone would say. */
export interface KnownAccount {
  /** Absent: whatever key names the account. */
  readonly key?: string;
  readonly account: string;
  readonly organization: string;
  /** USD. */
  readonly credits?: number;
  readonly quota?: Quota;
}

export interface ProviderLimits {
  readonly quota: Quota;
  readonly byModel: ReadonlyMap<string, Quota>;
  /** Whose quota it is. */
  readonly scope: 'account' | 'organization';
  /** Whether each model has its own, or all share one. */
  readonly models: 'each' | 'together';
  /** Whether calls answered 429 count too. */
  readonly refused: 'count' | 'ignore';
  /** Milliseconds by which the counter of OpenRouter's `/key` may be behind. */
  readonly lag: number;
  readonly accounts: readonly KnownAccount[];
}

export type Limits = Readonly<Record<ProviderName, ProviderLimits>>;

/** In the words of `providers.yaml`. A quota is said whole: what is not named is not limited. Unwrapped, because nothing said is not the same as no limits. */
const quota = { rate_limit: rateLimit.unwrap().optional(), reset };

const name = z.string().trim().min(1);

const provider = z
  .strictObject({
    ...quota,
    quota_scope: z.enum(['account', 'organization']).optional(),
    models: z.enum(['each', 'together']).optional(),
    refused: z.enum(['count', 'ignore']).optional(),
    lag: z.number().nonnegative().optional(),
    by_model: z.record(name, z.strictObject(quota)).default({}),
    accounts: z.array(z.strictObject({ key: name.optional(), account: name, organization: name.optional(), credits: z.number().optional(), ...quota })).default([]),
  })
  .prefault({});

/** A limits file: what is said replaces the free tier of that provider; what is not said stays. */
export const limitsSchema = z.strictObject({ openrouter: provider, groq: provider, cerebras: provider });
export type LimitsInput = z.input<typeof limitsSchema>;
type Said = z.output<typeof limitsSchema>;

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

const window = (unit: WindowLimit['unit'], limit: number, seconds: number, kind: WindowLimit['kind']): WindowLimit => ({ unit, limit, seconds, kind });

/** As Groq limits listening: by the recording's length. */
const listening: Quota = {
  windows: [window('requests', 20, MINUTE, 'refill'), window('requests', 2000, DAY, 'refill'), window('audio_seconds', 7200, HOUR, 'refill'), window('audio_seconds', 28_800, DAY, 'refill')],
};

const ordinary = { byModel: new Map<string, Quota>(), refused: 'ignore', lag: 0, accounts: [] } as const;

/**
 * The published free tiers, November 2026. Groq's recorded waits fit a bucket that refills; the resets of the other two
 * fall on the turn of the UTC minute and day.
 */
const freeTiers: Limits = {
  openrouter: {
    ...ordinary,
    quota: { windows: [window('requests', 20, MINUTE, 'calendar'), window('requests', 50, DAY, 'calendar')] },
    scope: 'account',
    models: 'together',
  },
  groq: {
    ...ordinary,
    quota: {
      windows: [
        window('requests', 30, MINUTE, 'refill'), window('requests', 1000, DAY, 'refill'),
        window('tokens', 8000, MINUTE, 'refill'), window('tokens', 200_000, DAY, 'refill'),
      ],
    },
    byModel: new Map([
      ['whisper-large-v3', listening],
      ['whisper-large-v3-turbo', listening],
      ['canopylabs/orpheus-v1-english', { windows: [window('requests', 10, MINUTE, 'refill'), window('requests', 100, DAY, 'refill'), window('tokens', 1200, MINUTE, 'refill'), window('tokens', 3600, DAY, 'refill')] }],
    ]),
    scope: 'organization',
    models: 'each',
  },
  cerebras: {
    ...ordinary,
    quota: {
      windows: [
        window('requests', 5, MINUTE, 'calendar'), window('requests', 150, HOUR, 'calendar'), window('requests', 2400, DAY, 'calendar'),
        window('tokens', 30_000, MINUTE, 'calendar'), window('tokens', 1_000_000, HOUR, 'calendar'), window('tokens', 1_000_000, DAY, 'calendar'),
      ],
    },
    scope: 'organization',
    models: 'each',
  },
};

function quotaOf({ rate_limit: written, reset: resets }: { readonly rate_limit?: RateLimit | undefined; readonly reset: Reset }, usual: Quota): Quota {
  return written === undefined ? usual : toLimits(written, resets);
}

function merge(usual: ProviderLimits, said: Said[ProviderName]): ProviderLimits {
  const shared = quotaOf(said, usual.quota);
  return {
    quota: shared,
    byModel: new Map([...(said.rate_limit === undefined ? usual.byModel : []), ...Object.entries(said.by_model).map(([model, own]) => [model, quotaOf(own, shared)] as const)]),
    scope: said.quota_scope ?? usual.scope,
    models: said.models ?? usual.models,
    refused: said.refused ?? usual.refused,
    lag: said.lag ?? usual.lag,
    accounts: said.accounts.map(({ key, account, organization = account, credits, ...own }) => ({
      account,
      organization,
      ...(key !== undefined && { key }),
      ...(credits !== undefined && { credits }),
      ...(own.rate_limit !== undefined && { quota: quotaOf(own, shared) }),
    })),
  };
}

/** What is said over the free tiers. Throws a ZodError for anything it does not know. */
export function readLimits(input: unknown): Limits {
  const said = limitsSchema.parse(input);
  return { openrouter: merge(freeTiers.openrouter, said.openrouter), groq: merge(freeTiers.groq, said.groq), cerebras: merge(freeTiers.cerebras, said.cerebras) };
}
