/** What becomes of an account is told everywhere it can be heard, and outlives the daemon. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { startDaemon } from '../../src/main.ts';
import { ADMIN_TOKEN, hello, startSystem, type System } from '../support/system.ts';

const SECRET = 'the secret of the webhook';

interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
interface House {
  readonly system: System;
  readonly receiver: Server;
  readonly delivered: Delivery[];
  readonly events: string;
  readonly metrics: string;
}
const state: { house: House } = { house: undefined as never };

/** Until it holds; what never does fails the test by its timeout. */
async function eventually(check: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 20));
}

beforeAll(async () => {
  const delivered: Delivery[] = [];
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    delivered.push({ headers: request.headers, body: await text(request) });
    response.writeHead(204).end();
  };
  const receiver = createServer((request, response) => void receive(request, response));
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const { port } = receiver.address() as AddressInfo;
  const system = await startSystem({
    accounts: { openrouter: ['one'], cerebras: ['trial'] },
    rules: 'routing_rules:\n  - name: general\n    provider_preferences: [openrouter]\ndefault_rule: general\n',
    settings: `webhooks: [{ url: "http://127.0.0.1:${port}/hook", secret: ${SECRET} }]\n`,
  });
  const stop = new AbortController();
  const live = await fetch(`${system.url}/admin/events`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` }, signal: stop.signal });
  const frames: string[] = [];
  const reading = (async () => {
    for await (const frame of live.body ?? []) frames.push(Buffer.from(frame as Uint8Array).toString());
  })().catch(() => undefined);

  await system.simulators.misbehave({ provider: 'openrouter', fault: { kind: 'refusal', name: 'rate-day' } });
  expect((await system.chat(hello())).status).toBe(429);
  await eventually(() => delivered.length > 0 && frames.join('').includes('account-changed'));
  const metrics = await (await fetch(`${system.url}/metrics`)).text();
  stop.abort();
  await reading;
  state.house = { system, receiver, delivered, events: frames.join(''), metrics };
});

afterAll(async () => {
  await state.house.system.close();
  state.house.receiver.closeAllConnections();
  state.house.receiver.close();
});

test('the webhook: one call, signed over its id, time and body', () => {
  const { delivered } = state.house;
  expect(delivered).toHaveLength(1);
  const [{ headers, body } = { headers: {}, body: '' }] = delivered;
  expect(JSON.parse(body)).toMatchObject({ type: 'account.spent', data: { provider: 'openrouter', label: 'one', state: 'resting', reason: 'rate-day', until: expect.any(String) as unknown } });
  expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', SECRET).update(`${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`).digest('base64')}`);
  expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60);
});

test('events, metrics and log', async () => {
  const { system, events, metrics } = state.house;
  expect(events).toMatch(/event: account-changed\ndata: .*"label":"one","state":"resting","reason":"rate-day"/);
  expect(metrics).toContain('tollfree_account_state{provider="openrouter",account="one",state="resting"} 1');
  expect(metrics).toContain('tollfree_account_state{provider="cerebras",account="trial",state="trial"} 1');
  await eventually(async () => (await system.logLines()).some(({ message }) => message === 'account'));
  const lines = await system.logLines();
  expect(lines.find(({ message }) => message === 'account')).toMatchObject({ provider: 'openrouter', account: 'one', state: 'resting', reason: 'rate-day' });
  expect(lines.map(({ message }) => message)).toContainEqual(expect.stringMatching(/^cerebras\/trial is on a trial/));
});

test('a restart changes nothing of it', async () => {
  const { system } = state.house;
  await system.daemon.stop();
  const again = await startDaemon({ environment: system.environment, directory: system.directory });
  try {
    const answer = await fetch(`http://127.0.0.1:${again.port}/admin/accounts`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    const { accounts } = (await answer.json()) as { accounts: { label: string; state: string }[] };
    expect(accounts.find(({ label }) => label === 'one')?.state).toBe('resting');
  } finally {
    await again.stop();
  }
});
