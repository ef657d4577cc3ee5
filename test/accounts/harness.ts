/** A house of accounts in virtual time, for every test of this folder. */
import { createAccounts, type AccountsOptions, type Demand, type KeptAccounts, type Lease } from '../../src/accounts/accounts.ts';
import { type Failure, failureOf } from '../../src/failure.ts';
import { START, type Time, createTime } from './time.ts';
import type { Account, Catalogue, ChatRequest, GatewayEvent, Limits, Model, Provider, Target, WindowLimit } from '../../src/types.ts';

export { START, createTime, type Time };

export const window = (limit: number, seconds = 60, rest: Partial<WindowLimit> = {}): WindowLimit =>
  ({ unit: 'requests', limit, seconds, kind: 'rolling', ...rest });

export const model = (name: string, limits: Limits = { windows: [] }, rest: Partial<Model> = {}): Model =>
  ({ name, aliases: [], capabilities: ['text_generation'], limits, price: { input: 0, output: 0 }, ...rest });

export const provider = (name: string, models: readonly Model[], rest: Partial<Provider> = {}): Provider => ({
  name, title: name, status: 'active', baseUrl: `https://${name}.test/v1`, dialect: 'openai', priority: 1, quotaScope: 'account',
  limits: { windows: [] }, omit: [], rename: {}, headers: {}, models, ...rest,
});

export const account = (providerName: string, label: string, rest: Partial<Account> = {}): Account =>
  ({ id: `${providerName}-${label}`, provider: providerName, label, enabled: true, origin: `https://${providerName}.test`, ...rest });

export const targetsOf = (...providers: readonly Provider[]): Target[] =>
  providers.flatMap((one) => one.models.map((other) => ({ provider: one, model: other })));

export interface House {
  readonly accounts: KeptAccounts;
  readonly time: Time;
  readonly events: GatewayEvent[];
  readonly providers: readonly Provider[];
  /** A request for every target, with 30 s of patience, unless told otherwise. */
  ask(rest?: Ask): Promise<Lease>;
  /** Why a request was refused. */
  refusal(rest?: Ask): Promise<Failure>;
}

export interface Ask extends Partial<Omit<Demand, 'request'>> {
  readonly request?: Partial<ChatRequest>;
}

function refusalExpected(): never {
  throw new Error('served, though a refusal was expected');
}

export const request = (now: number, rest: Partial<ChatRequest> = {}): ChatRequest => ({
  id: 'req_1', surface: 'chat', model: 'auto', stream: false, body: {}, text: { last: '', earlier: [], system: '' }, needs: [], promptTokens: 100,
  caller: { key: 'key', project: 'local' }, receivedAt: now, deadline: now + 30_000, priority: 5, ...rest,
});

export function createHouse(providers: readonly Provider[], accounts: readonly Account[], rest: Partial<AccountsOptions> & { readonly time?: Time } = {}): House {
  const { time = createTime(), ...options } = rest;
  const events: GatewayEvent[] = [];
  const catalogue: Catalogue = { providers: new Map(providers.map((one) => [one.name, one])) };
  const house = createAccounts({ accounts, catalogue: () => catalogue, scheduler: time, emit: (event) => events.push(event), lineBound: 100, ...options });
  const ask = ({ request: asked = {}, ...demand }: Ask = {}): Promise<Lease> => house.acquire({
    request: request(time.now(), asked), candidates: targetsOf(...providers), excluded: () => false, signal: new AbortController().signal, ...demand,
  });
  return {
    accounts: house, time, events, providers, ask,
    refusal: (asked) => ask(asked).then(refusalExpected, failureOf),
  };
}

/** What happened to a promise so far. */
export async function state(promise: Promise<unknown>, { time }: House): Promise<'waiting' | 'served' | 'refused'> {
  let outcome: 'waiting' | 'served' | 'refused' = 'waiting';
  void promise.then(() => (outcome = 'served'), () => (outcome = 'refused'));
  await time.settle();
  return outcome;
}
