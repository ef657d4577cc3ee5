/** Plain values the gateway's tests are made of. */
import type { Accounts, Lease } from '../../src/accounts/accounts.ts';
import { FailureError } from '../../src/failure.ts';
import type { UpstreamFailure } from '../../src/failure.ts';
import { createAnswerCache } from '../../src/gateway/answer-cache.ts';
import { createFirstContent } from '../../src/gateway/first-content.ts';
import { createUntaken } from '../../src/gateway/untaken.ts';
import { createRetryBudget } from '../../src/gateway/retry-budget.ts';
import type { Gateway } from '../../src/gateway.ts';
import { compileRules } from '../../src/routing/classify.ts';
import type { Account, Catalogue, ChatChunk, ChatRequest, GatewayEvent, Provider, Rule, Target } from '../../src/types.ts';
import { model, provider, rule as plainRule } from '../routing/requests.ts';

export { model, provider };

export const rule = (more: Partial<Rule> = {}): Rule => plainRule('general', {}, { preferences: ['a', 'b'], ...more });

export const request = (more: Partial<ChatRequest> = {}): ChatRequest => ({
  id: 'req_1',
  surface: 'chat',
  model: 'auto',
  stream: true,
  body: { messages: [] },
  text: { last: 'hello', earlier: [], system: '' },
  needs: [],
  promptTokens: 10,
  caller: { key: 'local', project: 'local' },
  receivedAt: performance.now(),
  deadline: performance.now() + 30_000,
  priority: 5,
  ...more,
});

export const role: ChatChunk = { text: '{"role":1}', whole: false, content: false };
export const word = (text: string): ChatChunk => ({ text, whole: false, content: true });
export const stop: ChatChunk = { text: '{"stop":1}', whole: false, content: false, finish: 'stop', usage: { input: 10, output: 2 } };

/** What upstream does with one call: chunks, and failures where they fall. */
export type Script = readonly (ChatChunk | UpstreamFailure)[] | UpstreamFailure;

const isFailure = (value: object): value is UpstreamFailure => 'kind' in value;

export interface Stage {
  readonly gateway: Gateway;
  /** `provider/account` of each call, in order. */
  readonly calls: string[];
  /** How each lease ended. */
  readonly endings: string[];
  readonly events: GatewayEvent[];
  /** Calls whose upstream was left early. */
  readonly left: string[];
}

export interface StageOptions {
  readonly rules?: readonly Rule[];
  readonly providers?: readonly Provider[];
  /** Accounts by provider. */
  readonly accounts?: Readonly<Record<string, readonly string[]>>;
  /** What each `provider/account` does, call after call; the last repeats. */
  readonly scripts: Readonly<Record<string, readonly Script[]>>;
}

const nameOf = (target: Target, account: Account): string => `${target.provider.name}/${account.label}`;

/** A gateway whose accounts have all the quota in the world, and whose upstream does as it is told. */
export function stage({ rules = [rule()], providers = [provider('a', [model('m')]), provider('b', [model('m')])], accounts = { a: ['one'], b: ['one'] }, scripts }: StageOptions): Stage {
  const told: Stage = { gateway: undefined as never, calls: [], endings: [], events: [], left: [] };
  const catalogue: Catalogue = { providers: new Map(providers.map((entry) => [entry.name, entry])) };
  const compiled = compileRules({ rules, defaultRule: rules[0]?.name ?? 'general' });
  const members = new Map(Object.entries(accounts).map(([name, labels]) => [name, labels.map((label): Account => ({ id: `${name}-${label}`, provider: name, label, enabled: true, origin: `https://${name}.test` }))]));

  const lease = (target: Target, account: Account): Lease => {
    const name = nameOf(target, account);
    return {
      target,
      account,
      pool: account.id,
      queuedMs: 0,
      passedOver: () => [],
      learn: () => undefined,
      settle: (usage) => void told.endings.push(`${name} settled ${usage?.output ?? '?'}`),
      fail: (failure) => void told.endings.push(`${name} failed ${failure.kind}`),
      cancel: () => void told.endings.push(`${name} cancelled`),
    };
  };
  const accountsOf: Accounts = {
    acquire: async ({ candidates, excluded }) => {
      for (const target of candidates) for (const account of members.get(target.provider.name) ?? []) if (!excluded(target, account, account.id)) return lease(target, account);
      throw new FailureError({ kind: 'unavailable', message: 'nobody is left', attempts: [] });
    },
    outlook: (candidates) => candidates.flatMap((target) => (members.get(target.provider.name) ?? []).map((account) => ({ target, account, pool: account.id, freeAt: 0, reason: 'free' }))),
    view: () => [],
    update: () => undefined,
    clearRests: () => 0,
    breakers: () => [],
    waiting: () => 0,
    waitingByProvider: () => new Map(),
  };
  const gateway: Gateway = {
    now: () => performance.now(),
    rules: () => compiled,
    catalogue: () => catalogue,
    usable: ({ name }) => members.has(name),
    accounts: accountsOf,
    policy: () => ({ freeOnly: true, firstContentMs: 30, wholeAnswerMs: 60, stallMs: 1_000, totalMs: 1_000 }),
    price: () => ({}),
    retries: createRetryBudget({ now: () => performance.now(), ratio: 0.2, perSecond: 3 }),
    firstContent: createFirstContent(),
    untaken: createUntaken(() => performance.now()),
    cache: createAnswerCache({ now: () => performance.now(), mostBytes: 2 ** 20 }),
    random: () => 0,
    emit: (event) => void told.events.push(event),
    send: async ({ target, account }, signal) => {
      const name = nameOf(target, account);
      const turn = told.calls.filter((call) => call === name).length;
      told.calls.push(name);
      const scripted = scripts[name] ?? [];
      const script = scripted[turn] ?? scripted.at(-1) ?? [];
      if (isFailure(script)) throw new FailureError(script);
      async function* chunks(): AsyncGenerator<ChatChunk> {
        const state = { ended: false };
        try {
          for (const step of script as readonly (ChatChunk | UpstreamFailure)[]) {
            if (isFailure(step)) throw new FailureError(step);
            if (step === silence) {
              if (signal.aborted) throw signal.reason;
              await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
            }
            yield step;
          }
          state.ended = true;
        } finally {
          if (!state.ended) told.left.push(name);
        }
      }
      return { facts: [], chunks: chunks() };
    },
  };
  return Object.assign(told, { gateway });
}

/** A step that never comes. */
export const silence: ChatChunk = { text: '', whole: false, content: false };
