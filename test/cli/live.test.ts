/** The commands against the real daemon and simulated providers. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { run } from '../../src/cli/program.ts';
import type { Explanation } from '../../src/cli/shapes.ts';
import { startSystem, type System } from '../support/system.ts';
import { createStage, tollfree, type Heard, type Stage } from './context.ts';

const state: { system?: System } = {};

beforeAll(async () => {
  state.system = await startSystem({ accounts: { groq: ['grace', 'gus'], cerebras: ['cleo'] } });
});
afterAll(() => state.system?.close());

/** The daemon took any free port: only now is it known. */
function stageOf(stage: Stage = {}): Stage {
  if (state.system === undefined) throw new Error('the system did not start');
  const { environment, daemon } = state.system;
  return { ...stage, environment: { ...environment, TOLLFREE_PORT: String(daemon.port), ...stage.environment } };
}

const ask = (commandLine: readonly string[], stage?: Stage): Promise<Heard> => tollfree(commandLine, stageOf(stage));

const json = ({ out }: Heard): unknown => JSON.parse(out);

describe('against the daemon', () => {
  test('chat answers, and status counts it', async () => {
    const { status, out, words } = await ask(['chat', '--message', 'Write a Python function that adds']);
    expect({ status, words }).toEqual({ status: 0, words: '' });
    expect(out).toContain('def solve');

    const shown = await ask(['status'], { columns: 90, environment: { NO_COLOR: '1' } });
    expect(shown.out).toMatch(/3 of 3 accounts ready · 1 request · \d/);
    expect(shown.out).toMatch(/^ {2}grace +active/m);
    expect(shown.out).toContain('█');
    const { accounts, requests } = json(await ask(['status', '--output', 'json'])) as { requests: number; accounts: { windows: { used: number }[] }[] };
    expect(requests).toBe(1);
    expect(accounts.flatMap(({ windows }) => windows).some(({ used }) => used === 1)).toBe(true);
    expect((await ask(['status', '-o', 'csv'])).out.split('\n')[0]).toBe('provider,account,state,model,unit,seconds,used,limit,resets_at,empty_at,source');
    expect((await ask(['status', 'cerebras'], { columns: 90 })).out).not.toContain('grace');
    expect((await ask(['status', 'nobody'])).words).toContain('there is no account at "nobody"');
  });

  test('explain tells the rule, the words, and who is free now', async () => {
    const { out, words } = await ask(['explain', 'Translate this poem'], { columns: 100, environment: { NO_COLOR: '1' } });
    expect(words).toBe('');
    expect(out).toMatch(/^rule {6}translation$/m);
    expect(out).toContain('translate');
    expect(out).toMatch(/groq +openai\/gpt-oss-120b +grace +now.* [\d,]+ of [\d,]+ \w+\/\w+ \(\w+\)/);
    const explanation = json(await ask(['explain', 'Translate this poem', '-o', 'json'])) as Explanation;
    expect(explanation.candidates.length).toBeGreaterThan(3);
    expect(new Set(explanation.candidates.map(({ provider }) => provider))).toEqual(new Set(['groq', 'cerebras']));
    expect(explanation.candidates[0]?.windows).toContainEqual(expect.objectContaining({ unit: 'requests', seconds: 60, limit: 30, source: 'configured', resets_at: expect.any(String) as unknown }));
  });

  test('models tell what is left, of providers with an account', async () => {
    const rows = json(await ask(['models', '--output', 'json'])) as { provider: string; model: string; left: number; accounts: number }[];
    expect(new Set(rows.map(({ provider }) => provider))).toEqual(new Set(['groq', 'cerebras']));
    // Two accounts with thirty a minute each; the question of another test may have taken one.
    const model = rows.find((row) => row.provider === 'groq' && row.model === 'openai/gpt-oss-20b');
    expect(model).toMatchObject({ accounts: 2, left: 60 });
    expect((await ask(['models', '--provider', 'groq', '-o', 'csv'])).out.split('\n')[0]).toBe('provider,model,context,accounts,left,limits,capabilities');
  });

  test('estimate tells tokens, price and list price', async () => {
    const rows = json(await ask(['estimate', 'Translate this poem', '--answer-tokens', '1000', '-o', 'json'])) as { model: string; input_tokens: number; output_tokens: number; cost: number; list_price: number }[];
    const row = rows.find(({ model }) => model === 'openai/gpt-oss-120b');
    expect(row).toMatchObject({ output_tokens: 1000, cost: 0 });
    expect(row?.list_price).toBeCloseTo(((row?.input_tokens ?? 0) * 0.15 + 1000 * 0.6) / 1e6, 12);
  });

  test('what the daemon finds wrong with the question is a wrong use', async () => {
    expect(await ask(['stats', '--since', '2026-03', '--until', '2026-02'])).toMatchObject({ status: 2, words: expect.stringContaining('until: must be a day after since') });
    expect(await ask(['keys', 'create', 'two words'])).toMatchObject({ status: 2, words: expect.stringContaining('name: must be made of letters') });
  });

  test('a wrong admin token is told apart from no daemon', async () => {
    const { status, words } = await ask(['status'], { environment: { TOLLFREE_ADMIN_TOKEN: 'wrong' } });
    expect(status).toBe(1);
    expect(words).toContain('hint: TOLLFREE_ADMIN_TOKEN or admin.token in TOLLFREE_DATA_DIR must be that of the running daemon');
  });

  test('status --watch keeps the screen until it is stopped, and gives it back', async () => {
    const stop = new AbortController();
    const { context, heard } = createStage({ ...stageOf(), columns: 80, signal: stop.signal });
    const watching = run(['status', '--watch'], context);
    while (!heard().out.includes('grace')) await new Promise((resolve) => setTimeout(resolve, 10));
    stop.abort();
    expect(await watching).toBe(0);
    const { out } = heard();
    expect(out.startsWith('\u001B[?1049h')).toBe(true);
    expect(out.endsWith('\u001B[?25h\u001B[?1049l')).toBe(true);
  });
});

describe('without the daemon', () => {
  const environment = { TOLLFREE_PORT: '1', TOLLFREE_DATA_DIR: '/nonexistent' };

  test('explain and models say what the files say, and that this is all', async () => {
    const explained = await tollfree(['explain', 'Translate this poem'], { environment });
    expect(explained.words).toBe('note: no daemon answers at 127.0.0.1:1; this is what the files say, and what is left is not known\n');
    expect(explained.out).toMatch(/^rule {6}translation$/m);
    expect(explained.out).not.toContain('account');
    expect((await tollfree(['models', '--provider', 'groq'], { environment })).out).toContain('openai/gpt-oss-120b');
  });
});
