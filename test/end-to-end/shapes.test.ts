/**
 * Work that is counted, not timed: V8 keeps the shapes of objects, and an object that brings a new one each time costs 20 µs,
 * and memory that only a full collection gives back. Nothing fails by it, so nobody would see it come.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startProcess } from '../support/process.ts';
import { hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const REQUESTS = 300;
const HOUR = 3_600;
const plenty = { windows: [{ requests: 1_000_000, seconds: HOUR, kind: 'rolling' as const }] };
const state: { system: System } = { system: undefined as never };

beforeAll(async () => {
  state.system = await startSystem({
    simulators: { limits: { groq: { rate_limit: plenty, models: 'together' } } },
    accounts: { groq: ['one', 'two'] },
    providers: JSON.stringify({ providers: { groq: { base_url: 'https://groq.example/v1', rate_limit: plenty, models: [{ name: 'openai/gpt-oss-120b', context: 131_072, price: { input: 0, output: 0 } }] } } }),
    rules: JSON.stringify({ routing_rules: [{ name: 'general', provider_preferences: ['groq'] }], default_rule: 'general' }),
  });
});
afterAll(() => state.system.close());

/**
 * A table V8 keeps properties in where it takes an object for a dictionary; it is found again, and no new shape. Whether one of
 * undici's requests (`this[kHandler] = …`) or Node's answers (`this[kNeedDrain] = …`) is taken for one is a matter of luck: V8
 * gives objects of a class the room that the first seven of them needed, and a full collection right before the seventh leaves it
 * nothing to judge by. Collecting after six calls shows it every time, after five or seven never (Node 20.20, undici 7.30).
 */
const TABLE = 'NormalizeCached';

/** Where shapes were made, and how often: `<how> <line>:<column> <property>`. */
async function shapesIn(file: string): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (!line.startsWith('map,')) continue;
    const [, how, , , , , row, column, , property = ''] = line.split(',');
    if (how === TABLE) continue;
    const place = `${how} ${row}:${column} ${property}`;
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  return counts;
}

test.each([false, true])('no object of a request brings a shape of its own (stream: %s)', async (stream) => {
  const { environment, directory } = state.system;
  await state.system.daemon.stop();
  const log = join(directory, `shapes-${String(stream)}.log`);
  const daemon = await startProcess(environment, directory, { flags: ['--log-maps', '--no-log-maps-details', '--no-logfile-per-isolate', `--logfile=${log}`] });
  for (let asked = 0; asked < REQUESTS; asked++) {
    const answer = await fetch(`${daemon.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...hello('Hello'), stream, max_tokens: 20 }) });
    expect(answer.status).toBe(200);
    await answer.text();
  }
  daemon.signal('SIGTERM');
  expect(await daemon.ended).toBe(0);
  const shapes = await shapesIn(log);
  expect(shapes.size).toBeGreaterThan(100);
  expect([...shapes].filter(([, count]) => count >= REQUESTS / 2)).toEqual([]);
});
