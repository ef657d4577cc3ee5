/** A price nobody knows is said to be unknown wherever money is told, and is nowhere zero. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runProgram } from '../cli/process.ts';
import { hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const MODEL = 'groq/openai/gpt-oss-120b';

const state: { system: System; answer: Response } = { system: undefined as never, answer: undefined as never };
beforeAll(async () => {
  state.system = await startSystem({
    accounts: { groq: ['one'] },
    settings: 'free_only: false\n',
    providers: 'providers: { groq: { base_url: "https://api.groq.com/openai/v1", models: [{ name: openai/gpt-oss-120b, context: 131072 }] } }\n',
    rules: 'routing_rules: [{ name: general }]\ndefault_rule: general\n',
  });
  state.answer = await state.system.chat({ ...hello(), model: MODEL });
  await state.answer.text();
});
afterAll(() => state.system.close());

const admin = async (path: string): Promise<unknown> => (await state.system.admin('GET', path)).json();

async function tollfree(...commandLine: readonly string[]): Promise<string> {
  const { status, out, words } = await runProgram(commandLine, { environment: { ...state.system.environment, TOLLFREE_PORT: new URL(state.system.url).port, NO_COLOR: '1' } });
  expect([status, words]).toEqual([0, expect.not.stringContaining('error')]);
  return out;
}

describe('an unknown price', () => {
  test('has no header', () => {
    const { status, headers } = state.answer;
    expect([status, headers.get('x-tollfree-cost-usd'), headers.get('x-tollfree-saved-usd')]).toEqual([200, null, null]);
  });

  test('is null in every JSON, with how many requests it was', async () => {
    const unknown = { requests: 1, cost_usd: null, unpriced_requests: 1, saved_usd: null, unvalued_requests: 1 };
    expect(await admin('/usage-stats?by=model')).toMatchObject({ rows: [unknown], total: unknown });
    expect(await (await fetch(`${state.system.url}/v1/usage`)).json()).toMatchObject({ rows: [unknown], total: unknown });
    const { points } = (await admin('/activity')) as { points: readonly { requests: number }[] };
    expect(points.filter(({ requests }) => requests > 0)).toMatchObject([{ saved_usd: null, unvalued_requests: 1 }]);
    expect(await (await state.system.chat({ ...hello(), model: MODEL, dry_run: true })).json()).toMatchObject({ candidates: [{ cost_usd: null, list_usd: null }] });
  });

  test('is said in every table', async () => {
    const csv = await (await state.system.admin('GET', '/usage-stats?by=model&format=csv')).text();
    const [names = [], row = []] = csv.split('\r\n').map((line) => line.split(','));
    expect(Object.fromEntries(names.map((name, place) => [name, row[place]]))).toMatchObject({ cost_usd: 'unknown', saved_usd: 'unknown' });
    expect(await tollfree('stats', '--by', 'model', '--output', 'csv')).toBe(csv.replaceAll('\r\n', '\n'));
    expect(await tollfree('stats', '--by', 'model')).toMatch(/^groq\/openai\/gpt-oss-120b +1 .*unknown +unknown/m);
    expect(JSON.parse(await tollfree('stats', '--output', 'json'))).toMatchObject({ total: { cost_usd: null, saved_usd: null } });
    expect(await tollfree('estimate', 'hello', '--model', MODEL)).toMatch(/unknown +unknown/);
  });

  test('is in no metric and in no line of the log', async () => {
    expect(await (await fetch(`${state.system.url}/metrics`)).text()).not.toMatch(/^tollfree_(?:cost|saved)_usd_total\{/m);
    const lines = (await state.system.logLines()).filter((line) => 'tokens_in' in line);
    expect(lines).toHaveLength(1);
    expect(Object.keys(lines[0] ?? {}).filter((name) => name.endsWith('_usd'))).toEqual([]);
  });
});
