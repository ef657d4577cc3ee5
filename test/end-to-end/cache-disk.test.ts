/** Answers kept over a restart, where the settings want it. */
import { afterEach, expect, test } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon } from '../../src/main.ts';
import type { Daemon } from '../../src/main.ts';
import { hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const state: { system?: System; again?: Daemon } = {};
afterEach(async () => {
  await state.again?.stop();
  await state.system?.close();
});

const rules = 'routing_rules: [{ name: general, provider_preferences: [groq], cache: { ttl: 1h } }]\ndefault_rule: general\n';
const words = (text: string): string => [...text.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)].map(([, said = '']) => said).join('');

async function filesIn(directory: string): Promise<readonly string[]> {
  for (;;) {
    const names = await readdir(directory).catch(() => []);
    if (names.length > 0 && names.every((name) => !name.endsWith('.new'))) return names.map((name) => join(directory, name));
  }
}

test('a restarted daemon tells again what the one before was told, as JSON and as a stream; its files tell nothing', async () => {
  const system = (state.system = await startSystem({ accounts: { groq: ['one'] }, rules, settings: 'cache: { disk: 1MiB }' }));
  const first = await system.chat(hello('Write a Python function'));
  expect(first.headers.get('x-tollfree-cache')).toBe('miss');
  const said = words(await first.text());
  const [file = ''] = await filesIn(join(system.directory, 'data', 'cache'));
  expect(await readFile(file, 'latin1')).not.toMatch(/Python|solve|groq|content/);

  await system.daemon.stop();
  system.simulators.clearCalls();
  state.again = await startDaemon({ environment: system.environment, directory: system.directory, load: { lateMs: Number.POSITIVE_INFINITY } });
  const { port } = state.again;
  const ask = (body: object): Promise<Response> => fetch(`http://127.0.0.1:${port}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  for (const stream of [false, true]) {
    const answer = await ask({ ...hello('Write a Python function'), stream });
    expect(answer.headers.get('x-tollfree-cache')).toBe('hit');
    expect(Number(answer.headers.get('age'))).toBeGreaterThanOrEqual(0);
    expect(words(await answer.text())).toBe(said);
  }
  expect(system.simulators.calls({ path: '/chat/completions' })).toEqual([]);
  expect((await ask(hello('Write another Python function'))).headers.get('x-tollfree-cache')).toBe('miss');
});
