/**
 * What each provider allows: the free tiers as they were in autumn 2026, or what a limits file or a test says instead.
 */
import { z } from 'zod';
import type { WindowLimit } from '../types.ts';
import type { ProviderName } from './types.ts';

export interface Quota {
  readonly windows: readonly WindowLimit[];
  readonly concurrent?: number;
}

/** A key told apart from others of its prefix. */
export interface KnownAccount {
  readonly key?: string;
  readonly account: string;
  readonly organization: string;
  readonly credits?: number;
  readonly quota?: Quota;
}

export interface ProviderLimits {
  readonly quota: Quota;
  readonly byModel: ReadonlyMap<string, Quota>;
  /** Whose quota it is. */
  readonly shared: 'account' | 'organization';
  /** Whether each model has its own, or all share one. */
  readonly models: 'each' | 'together';
  /** Whether calls answered 429 count too. */
  readonly refused: 'count' | 'ignore';
  /** Milliseconds by which OpenRouter's `/key` counter may be behind. */
  readonly lag: number;
  readonly accounts: readonly KnownAccount[];
}

export type Limits = Readonly<Record<ProviderName, ProviderLimits>>;

const amount = z.number().int().positive();

const windowSchema = z
  .strictObject({
    requests: amount.optional(),
    tokens: amount.optional(),
    seconds: z.number().positive(),
    kind: z.enum(['rolling', 'refill', 'calendar']).default('rolling'),
    tz: z.string().refine(isTimeZone, 'no such time zone; use a name such as America/Los_Angeles').optional(),
  })
  .refine(({ requests, tokens }) => (requests === undefined) !== (tokens === undefined), 'a window counts either requests or tokens')
  .transform(({ requests, tokens, seconds, kind, tz }): WindowLimit => ({
    ...(requests === undefined ? { unit: 'tokens', limit: tokens ?? 0 } : { unit: 'requests', limit: requests }),
    seconds,
    kind,
    ...(tz !== undefined && { timeZone: tz }),
  }));

const quotaFields = { windows: z.array(windowSchema).optional(), concurrent: amount.optional() };

const accountSchema = z.strictObject({
  key: z.string().min(1).optional(),
  account: z.string().min(1),
  organization: z.string().min(1).optional(),
  credits: z.number().optional(),
  ...quotaFields,
});

const providerSchema = z.strictObject({
  ...quotaFields,
  models: z.enum(['each', 'together']).optional(),
  shared: z.enum(['account', 'organization']).optional(),
  refused: z.enum(['count', 'ignore']).optional(),
  lag: z.number().nonnegative().optional(),
  by_model: z.record(z.string(), z.strictObject(quotaFields)).optional(),
  accounts: z.array(accountSchema).optional(),
});

/** A limits file: what is said replaces the default of that provider; what is not said stays. */
export const limitsSchema = z.strictObject({ openrouter: providerSchema.optional(), groq: providerSchema.optional(), cerebras: providerSchema.optional() });
export type LimitsInput = z.input<typeof limitsSchema>;
type ProviderInput = z.output<typeof providerSchema>;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
  } catch {
    return false;
  }
}

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

const requests = (limit: number, seconds: number, kind: WindowLimit['kind']): WindowLimit => ({ unit: 'requests', limit, seconds, kind });
const tokens = (limit: number, seconds: number, kind: WindowLimit['kind']): WindowLimit => ({ unit: 'tokens', limit, seconds, kind });

const ordinary = { byModel: new Map<string, Quota>(), refused: 'ignore', lag: 0, accounts: [] } as const;

/** The published free tiers, November 2026. Groq's recorded waits fit a bucket that refills; the resets of the other two fit the UTC calendar. */
export const freeTiers: Limits = {
  openrouter: { ...ordinary, quota: { windows: [requests(20, MINUTE, 'calendar'), requests(50, DAY, 'calendar')] }, shared: 'account', models: 'together' },
  groq: {
    ...ordinary,
    quota: { windows: [requests(30, MINUTE, 'refill'), requests(1000, DAY, 'refill'), tokens(8000, MINUTE, 'refill'), tokens(200_000, DAY, 'refill')] },
    shared: 'organization',
    models: 'each',
  },
  cerebras: {
    ...ordinary,
    quota: {
      windows: [
        requests(5, MINUTE, 'calendar'), requests(150, HOUR, 'calendar'), requests(2400, DAY, 'calendar'),
        tokens(30_000, MINUTE, 'calendar'), tokens(1_000_000, HOUR, 'calendar'), tokens(1_000_000, DAY, 'calendar'),
      ],
    },
    shared: 'organization',
    models: 'each',
  },
};

const quotaOf = ({ windows, concurrent }: { readonly windows?: readonly WindowLimit[] | undefined; readonly concurrent?: number | undefined }, fallback: Quota): Quota => ({
  windows: windows ?? fallback.windows,
  ...(concurrent === undefined ? fallback.concurrent !== undefined && { concurrent: fallback.concurrent } : { concurrent }),
});

function merge(usual: ProviderLimits, input: ProviderInput | undefined): ProviderLimits {
  if (input === undefined) return usual;
  const quota = quotaOf(input, usual.quota);
  return {
    quota,
    byModel: new Map(Object.entries(input.by_model ?? {}).map(([model, own]) => [model, quotaOf(own, quota)])),
    shared: input.shared ?? usual.shared,
    models: input.models ?? usual.models,
    refused: input.refused ?? usual.refused,
    lag: input.lag ?? usual.lag,
    accounts: (input.accounts ?? []).map(({ key, account, organization, credits, ...own }) => ({
      account,
      organization: organization ?? account,
      ...(key !== undefined && { key }),
      ...(credits !== undefined && { credits }),
      ...((own.windows ?? own.concurrent) !== undefined && { quota: quotaOf(own, quota) }),
    })),
  };
}

/** Merges what is said over the free tiers. Throws a ZodError for anything it does not know. */
export function readLimits(input: unknown): Limits {
  const said = limitsSchema.parse(input ?? {});
  return { openrouter: merge(freeTiers.openrouter, said.openrouter), groq: merge(freeTiers.groq, said.groq), cerebras: merge(freeTiers.cerebras, said.cerebras) };
}
