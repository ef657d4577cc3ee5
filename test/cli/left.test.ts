/** What is left, said by every face alike: the terminal, the dashboard, and the list of models. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AccountsAnswer, ProviderStatus } from '../../src/cli/shapes.ts';
import { hello, startSystem, type System } from '../support/system.ts';
import { tollfree, type Heard } from './context.ts';

interface Capacity {
  readonly picture: (accounts: AccountsAnswer['accounts'], providers: readonly ProviderStatus[]) => unknown;
  readonly today: (picture: unknown) => readonly { readonly limit: number; readonly used: number }[];
}
/** The page's own arithmetic. */
const { picture, today } = (await import(new URL('../../src/dashboard/capacity.js', import.meta.url).href)) as Capacity;

const state: { system: System } = { system: undefined as never };
beforeAll(async () => {
  state.system = await startSystem({ accounts: { groq: ['grace', 'gus'], openrouter: ['olive'] } });
});
afterAll(() => state.system.close());

const ask = (...commandLine: readonly string[]): Promise<Heard> => tollfree(commandLine, { columns: 100, environment: { ...state.system.environment, TOLLFREE_PORT: String(state.system.daemon.port), NO_COLOR: '1' } });
const json = async <T>(path: string): Promise<T> => (await (await state.system.admin('GET', path)).json()) as T;

async function dashboard(): Promise<string> {
  const [{ accounts }, { providers }] = await Promise.all([json<AccountsAnswer>('/accounts?limit=500'), json<{ providers: readonly ProviderStatus[] }>('/providers?limit=500')]);
  const parts = today(picture(accounts, providers));
  const sum = (of: (part: (typeof parts)[number]) => number): number => parts.reduce((total, part) => total + of(part), 0);
  return `${Math.round(sum(({ limit, used }) => limit - used)).toLocaleString('en-US')} of ${sum(({ limit }) => limit).toLocaleString('en-US')} requests left today`;
}

const models = async (): Promise<readonly { readonly id: string; readonly limits?: readonly { readonly unit: string; readonly seconds: number; readonly limit: number; readonly remaining: number }[] }[]> =>
  ((await (await fetch(`${state.system.url}/v1/models`)).json()) as { data: [] }).data;

const minute = async (): Promise<unknown> => (await models()).find(({ id }) => id === 'groq/openai/gpt-oss-120b')?.limits?.find(({ unit, seconds }) => unit === 'requests' && seconds === 60);

describe('what is left', () => {
  test('is all of it before anything was asked, and counts whoever was not asked yet afterwards', async () => {
    expect((await ask('status')).out).toContain(await dashboard());
    expect(await minute()).toEqual({ unit: 'requests', seconds: 60, limit: 60, remaining: 60 });
    await (await state.system.chat({ ...hello(), model: 'groq/openai/gpt-oss-120b' })).text();
    expect(await minute()).toEqual({ unit: 'requests', seconds: 60, limit: 60, remaining: 59 });
    expect((await ask('status')).out).toContain(await dashboard());
  });

  test('leaves out who may not serve, as the dashboard does', async () => {
    const { accounts } = await json<AccountsAnswer>('/accounts');
    const gus = accounts.find(({ label }) => label === 'gus')?.id ?? '';
    await state.system.admin('PATCH', `/accounts/${gus}`, { enabled: false });
    expect((await ask('status')).out).toContain(await dashboard());
    await state.system.admin('PATCH', `/accounts/${gus}`, { enabled: true });
  });

  test('of models whose provider counts all of them together', async () => {
    const rows = JSON.parse((await ask('models', '--provider', 'openrouter', '--output', 'json')).out) as { limits: string; left: number }[];
    expect(rows.length).toBeGreaterThan(5);
    for (const row of rows) expect(row).toMatchObject({ limits: '20 requests/min, 50 requests/day', left: 20 });
  });
});

test('requests are those that were put to the gateway, in status as in stats', async () => {
  await state.system.admin('GET', '/usage-stats?by=nonsense');
  await state.system.admin('POST', '/explain', {});
  expect((await state.system.chat({})).status).toBe(400);
  const { requests } = JSON.parse((await ask('status', '--output', 'json')).out) as { requests: number };
  const { total } = JSON.parse((await ask('stats', '--output', 'json')).out) as { total: { requests: number } };
  expect([requests, total.requests]).toEqual([1, 1]);
  // Who was turned away is counted apart, and the operator's own mistakes nowhere.
  expect((await (await fetch(`${state.system.url}/metrics`)).text()).match(/^tollfree_requests_total\{surface="none".*$/gm)).toEqual(['tollfree_requests_total{surface="none",route="none",status="400"} 1']);
  const { points } = await json<{ points: readonly { refused: number }[] }>('/activity');
  expect(points.reduce((sum, { refused }) => sum + refused, 0)).toBe(1);
});

test('a locked vault is told before what its accounts would have left', async () => {
  await state.system.admin('POST', '/vault/lock');
  expect((await ask('status')).out.split('\n')[1]).toBe('nobody is answered: the vault is locked');
  expect(JSON.parse((await ask('status', '--output', 'json')).out)).toMatchObject({ reason: 'the vault is locked' });
});
