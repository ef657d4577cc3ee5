/** `GET /admin/events`: requests with their story, and never a word of them. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createParser } from 'eventsource-parser';
import { ADMIN_TOKEN, hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const state = {} as { system: System };
beforeAll(async () => {
  state.system = await startSystem();
});
afterAll(() => state.system.close());

type Heard = { name: string; data: Record<string, unknown>; text: string };

/** Listens until `enough`, then leaves. */
async function listen(enough: (heard: readonly Heard[]) => boolean, meanwhile: () => Promise<unknown>): Promise<readonly Heard[]> {
  const leaving = new AbortController();
  const response = await fetch(`${state.system.url}/admin/events`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` }, signal: leaving.signal });
  const heard: Heard[] = [];
  const parser = createParser({ onEvent: ({ event = '', data }) => heard.push({ name: event, data: JSON.parse(data) as Record<string, unknown>, text: data }) });
  const acting = meanwhile();
  acting.catch((error: unknown) => leaving.abort(error));
  const decoder = new TextDecoder();
  for await (const part of response.body ?? []) {
    parser.feed(decoder.decode(part as Uint8Array, { stream: true }));
    if (enough(heard)) break;
  }
  leaving.abort();
  await acting;
  return heard;
}

const named = (heard: readonly Heard[], name: string): readonly Heard[] => heard.filter((one) => one.name === name);

test('a request is told from its start to its end, with rule, words, attempts; never its prompt or answer', async () => {
  const heard = await listen((all) => named(all, 'request-finished').length > 0, () => state.system.chat(hello('write a python function called swordfish')));
  expect(heard[0]).toMatchObject({ name: 'snapshot', data: { running: [], recent: [] } });
  expect(named(heard, 'request-started')[0]?.data).toMatchObject({ model: 'auto', key: 'local', surface: 'chat' });
  expect(named(heard, 'attempt-finished')[0]?.data).toMatchObject({ outcome: 'ok', sent: true });
  expect(named(heard, 'request-finished')[0]?.data).toMatchObject({ status: 200, rule: 'code_generation', words: expect.arrayContaining(['python']), attempts: [expect.objectContaining({ outcome: 'ok' })] });
  expect(heard.map(({ text }) => text).join()).not.toMatch(/swordfish|sim-(groq|openrouter|cerebras)-/);
});

test('who comes later is told what happened before', async () => {
  const [snapshot] = await listen((all) => all.length > 0, async () => undefined);
  expect(snapshot?.data['recent']).toEqual([expect.objectContaining({ status: 200, rule: 'code_generation' })]);
});

/** Events of requests, those included that a frame had no room for. */
const counted = (heard: readonly Heard[]): number => named(heard, 'request-started').length + named(heard, 'request-finished').length + named(heard, 'dropped').reduce((sum, { data }) => sum + Number(data['events']), 0);

test('a storm is told in few frames, and what did not fit is counted', async () => {
  const requests = 150;
  const heard = await listen((all) => counted(all) >= 2 * requests, () => Promise.all(Array.from({ length: requests }, () => state.system.chat({ ...hello(), model: 'nobody-has-this' }).then((answer) => answer.text()))));
  // Each began, and ended.
  expect(counted(heard)).toBe(2 * requests);
});

test('as many listen as are said, and who comes then is told so', async () => {
  const system = await startSystem();
  const listening = (): Promise<Response> => fetch(`${system.url}/admin/events`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  const listeners: Response[] = [];
  for (let count = 0; count < 20; count += 1) listeners.push(await listening());
  const refused = await listening();
  const told: unknown = await refused.json();
  await system.close();
  expect(listeners.map(({ status }) => status)).toEqual(listeners.map(() => 200));
  expect(refused.status).toBe(503);
  expect(told).toMatchObject({ error: { code: 'server_overloaded', message: expect.stringContaining('close one'), request_id: refused.headers.get('x-request-id') } });
});

test('listeners do not keep a daemon that stops', async () => {
  const system = await startSystem();
  const response = await fetch(`${system.url}/admin/events`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  const began = performance.now();
  await system.close();
  // Half of what streams are given.
  expect(performance.now() - began).toBeLessThan(15_000);
  await response.text().catch(() => '');
});
