/** The gateway with all it stands on: the same in the daemon and in the library. */
import type { Settings } from '../config/settings.ts';
import type { Gateway } from '../gateway.ts';
import { join } from 'node:path';
import { createAnswerDisk } from '../cache/disk.ts';
import { createAnswerCache } from '../gateway/answer-cache.ts';
import { createFirstContent } from '../gateway/first-content.ts';
import { createUntaken } from '../gateway/untaken.ts';
import { createRetryBudget } from '../gateway/retry-budget.ts';
import type { Http } from '../providers/call.ts';
import { createSend } from '../providers/send.ts';
import type { RuleSet } from '../routing/classify.ts';
import type { Account, Catalogue, Clock, Emit, GatewayEvent, Send } from '../types.ts';
import { priceOf } from '../usage/cost.ts';

export interface EngineOptions {
  readonly now: Clock;
  readonly settings: Settings;
  readonly emit: Emit;
  readonly http: Http;
  readonly accounts: Gateway['accounts'];
  readonly catalogue: () => Catalogue;
  readonly rules: () => RuleSet;
  readonly dataDirectory: string;
  readonly usable: Gateway['usable'];
  readonly credentialOf: (account: Account, origin: string) => string;
  /** What else has to do with every call. */
  readonly around?: ((send: Send) => Send) | undefined;
}

export function createEngine({ now, settings, emit, http, accounts, catalogue, rules, dataDirectory, usable, credentialOf, around = (send) => send }: EngineOptions): Gateway {
  const { freeOnly, deadlines, retries, cache } = settings;
  const { firstContentMs, wholeAnswerMs, stallMs, totalMs } = deadlines;
  const policy = { freeOnly, firstContentMs, wholeAnswerMs, stallMs, totalMs, ...(retries.hedgeMs !== undefined && { hedgeMs: retries.hedgeMs }) };
  const disk =
    cache.diskBytes === undefined ? undefined : createAnswerDisk({ directory: join(dataDirectory, 'cache'), mostBytes: cache.diskBytes, now, catalogue, onTrouble: (problem) => emit(noticeOf(problem)) });
  return {
    now,
    rules,
    catalogue,
    usable,
    accounts,
    send: around(createSend({ http, credentialOf, now, eventMs: deadlines.eventMs })),
    price: priceOf,
    emit,
    policy: () => policy,
    retries: createRetryBudget({ now, ratio: retries.budgetRatio, perSecond: retries.budgetPerSecond }),
    firstContent: createFirstContent(),
    untaken: createUntaken(now),
    cache: createAnswerCache({ now, mostBytes: cache.maxSizeBytes, disk }),
    random: Math.random,
  };
}

const noticeOf = (problem: Error | undefined): GatewayEvent =>
  problem === undefined
    ? { type: 'notice', level: 'info', message: 'answers can be kept on the disk again' }
    : { type: 'notice', level: 'warn', message: `answers cannot be kept on the disk: ${problem.message}; they are kept in memory alone` };

/** Whoever has an account that is on. */
export const providersOf = (accounts: readonly Account[]): ReadonlySet<string> => new Set(accounts.filter(({ enabled }) => enabled).map(({ provider }) => provider));
