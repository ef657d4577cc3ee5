/**
 * The way of a request over real sockets: client, route, gateway, accounts, undici, simulators. Each case gets a gateway
 * and accounts of its own, so that no breaker and no window of one case speaks in another.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { createAccounts } from '../../src/accounts/accounts.ts';
import type { Accounts } from '../../src/accounts/accounts.ts';
import { tellError } from '../../src/app.ts';
import { createAnswerCache } from '../../src/gateway/answer-cache.ts';
import { createFirstContent } from '../../src/gateway/first-content.ts';
import { createUntaken } from '../../src/gateway/untaken.ts';
import { createRetryBudget } from '../../src/gateway/retry-budget.ts';
import type { Gateway, Policy } from '../../src/gateway.ts';
import { createLiveRequests } from '../../src/http/stream.ts';
import { askRoutes } from '../../src/http/surfaces.ts';
import type { Http } from '../../src/providers/call.ts';
import { createSend } from '../../src/providers/send.ts';
import { compileRules } from '../../src/routing/classify.ts';
import type { Simulators } from '../../src/sim/simulators.ts';
import type { Account, Catalogue, GatewayEvent, Model, Provider, Rule } from '../../src/types.ts';
import { model, provider, rule } from '../gateway/literals.ts';

/** Both serve the same model under names of their own. */
export const MODELS = { groq: 'openai/gpt-oss-120b', cerebras: 'gpt-oss-120b' } as const;
export type Name = keyof typeof MODELS;

export interface HouseOptions {
  readonly simulators: Simulators;
  readonly http: Http;
  /** In place of the simulator's. */
  readonly baseUrls?: Partial<Record<Name, string>>;
  readonly models?: Partial<Record<Name, Partial<Model>>>;
  readonly providers?: Partial<Record<Name, Partial<Provider>>>;
  /** Labels by provider; `one` each where absent. */
  readonly accounts?: Partial<Record<Name, readonly string[]>>;
  readonly rule?: Partial<Rule>;
  readonly policy?: Partial<Policy>;
  /** How long a caller waits for the first content who does not say, milliseconds. */
  readonly callerMs?: number;
  readonly heartbeatMs?: number;
  readonly eventMs?: number;
}

export interface House {
  readonly url: string;
  readonly accounts: Accounts;
  readonly events: readonly GatewayEvent[];
  /** A POST below `/v1`. */
  readonly ask: (path: string, body: object, headers?: Readonly<Record<string, string>>, signal?: AbortSignal) => Promise<Response>;
  readonly chat: (body: object, headers?: Readonly<Record<string, string>>, signal?: AbortSignal) => Promise<Response>;
  readonly close: () => Promise<void>;
}

/** Good answers get time, however loaded the machine; what is about deadlines brings its own. */
export const POLICY: Policy = { freeOnly: true, firstContentMs: 5_000, wholeAnswerMs: 5_000, stallMs: 5_000, totalMs: 10_000 };

function after(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
}

export async function openHouse(options: HouseOptions): Promise<House> {
  const { simulators, http } = options;
  const now = Date.now;
  const baseUrls = { ...simulators.baseUrls, ...options.baseUrls };
  const names = Object.keys(MODELS) as Name[];
  const catalogue: Catalogue = {
    providers: new Map(
      names.map((name) => {
        // A bound on what is in flight shows a lease that leaked.
        const served = model(MODELS[name], { aliases: ['gpt-oss'], context: 131_072, capabilities: ['text_generation', 'tools'], limits: { windows: [{ unit: 'requests', limit: 1_000_000, seconds: 60, kind: 'rolling' }], concurrent: 100 }, ...options.models?.[name] });
        return [name, provider(name, [served], { baseUrl: baseUrls[name], ...options.providers?.[name] })];
      }),
    ),
  };
  const members = names.flatMap((name) =>
    (options.accounts?.[name] ?? ['one']).map((label): Account => ({ id: `${name}-${label}`, provider: name, label, enabled: true, origin: new URL(baseUrls[name]).origin })),
  );
  const events: GatewayEvent[] = [];
  const emit = (event: GatewayEvent): void => void events.push(event);
  const accounts = createAccounts({ accounts: members, catalogue: () => catalogue, scheduler: { now, after }, emit, lineBound: 100 });
  const rules = compileRules({ rules: [rule({ preferences: names, ...options.rule })], defaultRule: 'general' });
  const policy = { ...POLICY, ...options.policy };
  const gateway: Gateway = {
    now,
    rules: () => rules,
    catalogue: () => catalogue,
    usable: ({ name }) => members.some((account) => account.provider === name),
    accounts,
    send: createSend({ http, credentialOf: ({ provider: name, label }) => `sim-${name}-${label}`, now, eventMs: options.eventMs ?? 1_000 }),
    price: () => ({}),
    emit,
    policy: () => policy,
    retries: createRetryBudget({ now, ratio: 0.2, perSecond: 3 }),
    firstContent: createFirstContent(),
    untaken: createUntaken(now),
    cache: createAnswerCache({ now, mostBytes: 2 ** 20 }),
    random: Math.random,
  };
  const app = express();
  app.use((_request, response, next) => {
    response.locals['requestId'] = 'req_faults';
    next();
  });
  const door = { identify: () => ({ key: 'local', project: 'local' }), allow: () => undefined, admit: () => new AbortController().signal, listen: () => undefined };
  const entry = { gateway, door, live: createLiveRequests(), bodyLimit: 1_000_000, callerMs: options.callerMs ?? 10_000, heartbeatMs: options.heartbeatMs ?? 15_000, readerMs: 60_000 };
  for (const [path, route] of askRoutes(entry)) app.post(path, route);
  app.use(tellError(gateway));
  const server: Server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask: House['ask'] = (path, body, headers = {}, signal) =>
    fetch(`${url}/v1${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body), ...(signal && { signal }) });
  return {
    url,
    accounts,
    events,
    ask,
    chat: (body, headers, signal) => ask('/chat/completions', body, headers, signal),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
