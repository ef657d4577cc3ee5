/** Kills under load, and the record counted again: against the answers clients have whole, and the simulators' own records. */
import { afterEach, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { startProcess } from '../support/process.ts';
import type { DaemonProcess } from '../support/process.ts';
import { ADMIN_TOKEN, hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const KILLS = 3;
const CLIENTS = 8;
const DAY = 86_400;
const MODELS = { groq: 'openai/gpt-oss-120b', cerebras: 'gpt-oss-120b' } as const;
const names = Object.keys(MODELS) as (keyof typeof MODELS)[];
const PLENTY = { windows: [{ tokens: 1e9, seconds: DAY, kind: 'rolling' }] };

const state: { system?: System; daemon?: DaemonProcess } = {};
afterEach(async () => {
  state.daemon?.signal('SIGKILL');
  await state.system?.close();
});

interface Finished {
  readonly id: string;
  readonly words: string;
  readonly input: number;
  readonly output: number;
}

/** Undefined: no whole answer, for the daemon died before. Every other one streams. */
async function ask({ url }: DaemonProcess, number: number): Promise<Finished | undefined> {
  const words = `Tell me story ${number}`;
  const stream = number % 2 === 0 ? { stream: true, stream_options: { include_usage: true } } : {};
  const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...hello(words), ...stream }) }).catch(() => undefined);
  const text = await answer?.text().catch(() => undefined);
  if (answer === undefined || text === undefined) return undefined;
  // A machine as busy as this one may shed load.
  if (text.includes('server_overloaded')) return undefined;
  expect(answer.status).toBe(200);
  const [, input, output] = /"prompt_tokens":(\d+).*?"completion_tokens":(\d+)/.exec(text) ?? [];
  if (number % 2 === 0 && !text.endsWith('data: [DONE]\n\n')) return undefined;
  return { id: answer.headers.get('x-request-id') ?? '', words, input: Number(input), output: Number(output) };
}

test('what a client has whole is in the record once, to the token that upstream counted', async () => {
  const system = (state.system = await startSystem({
    simulators: { pace: { firstMs: 2, tokenMs: 0 }, limits: Object.fromEntries(names.map((name) => [name, { rate_limit: PLENTY }])) },
    accounts: Object.fromEntries(names.map((name) => [name, ['one', 'two']])),
    providers: JSON.stringify({
      providers: Object.fromEntries(names.map((name) => [name, { base_url: `https://${name}.example/v1`, models: [{ name: MODELS[name], rate_limit: PLENTY, context: 131_072, price: { input: 0, output: 0, list_input: 0.15, list_output: 0.6 } }] }])),
    }),
    rules: JSON.stringify({ routing_rules: [{ name: 'general', provider_preferences: ['cerebras', 'groq'] }], default_rule: 'general' }),
  }));
  const { simulators, directory } = system;
  const environment = await system.environmentFor('killed');

  const finished: Finished[] = [];
  const asked = { count: 0 };
  for (let kill = 0; kill < KILLS; kill += 1) {
    const daemon = (state.daemon = await startProcess(environment, directory));
    const load = { over: false };
    const clients = Array.from({ length: CLIENTS }, async () => {
      while (!load.over) {
        asked.count += 1;
        const whole = await ask(daemon, asked.count);
        if (whole !== undefined) finished.push(whole);
      }
    });
    await simulators.callsUntil({ path: '/chat/completions' }, simulators.calls({ path: '/chat/completions' }).length + 50);
    daemon.signal('SIGKILL');
    expect(await daemon.ended).toBe('SIGKILL');
    load.over = true;
    await Promise.all(clients);
  }

  const last = (state.daemon = await startProcess(environment, directory));
  const { total } = (await (await fetch(`${last.url}/admin/usage-stats?since=2d`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).json()) as { readonly total: Readonly<Record<string, number>> };
  last.signal('SIGTERM');
  expect(await last.ended).toBe(0);
  const database = new DatabaseSync(join(directory, 'killed', 'record', 'record.db'));
  const rows = database.prepare('select request_id as id, tokens_in as input, tokens_out as output from requests').all() as unknown as readonly { readonly id: string; readonly input: number; readonly output: number }[];
  database.close();

  const answered = simulators.calls({ path: '/chat/completions', outcome: 'finished' }).map(({ usage, body }) => {
    const words = (body as { readonly messages: readonly { readonly content: string }[] }).messages.at(-1)?.content;
    return { words, input: usage?.prompt, output: usage?.completion };
  });
  const byId = new Map(rows.map((row) => [row.id, row]));
  expect(finished.length).toBeGreaterThan(KILLS * 30);
  expect(byId.size).toBe(rows.length);
  expect(finished.map(({ id }) => byId.get(id))).toEqual(finished.map(({ id, input, output }) => ({ id, input, output })));
  expect(finished.map(({ words, input, output }) => ({ words, input, output }))).toEqual(finished.map(({ words }) => answered.find((one) => one.words === words)));
  // What was written down, and not yet told to the end when the process died.
  expect(rows.length - finished.length).toBeLessThanOrEqual(KILLS * CLIENTS);

  const sum = (name: 'input' | 'output'): number => rows.reduce((added, row) => added + row[name], 0);
  expect(total).toMatchObject({ requests: rows.length, tokens_in: sum('input'), tokens_out: sum('output'), cost_usd: 0 });
  expect(total['saved_usd']).toBeCloseTo((sum('input') * 0.15 + sum('output') * 0.6) / 1e6, 6);
});
