/** More than one daemon can take: it serves what it can, refuses the rest at once, stays small, and is itself again afterwards. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, loadavg } from 'node:os';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DaemonProcess } from '../support/process.ts';
import { admin, ask, counted, health, names, openDaemons } from './daemons.ts';
import type { Daemons } from './daemons.ts';
import { startFlood, startReading } from './flood.ts';
import type { Flood } from './flood.ts';

const SECOND = 1_000;
const UPSTREAM_MS = 1_000;
const SLOTS = 4;
const WAITING = 6;
/** Each fills 5 MB of the system's own buffers: 500 of them can be more than it gives to everybody. `READERS=500` for those who have it. */
const READERS = Number(process.env['READERS'] ?? 100);

const state: { daemons: Daemons; daemon: DaemonProcess; flood: Flood; sockets: Socket[]; runs: number } = { daemons: undefined as never, daemon: undefined as never, flood: undefined as never, sockets: [], runs: 0 };

beforeAll(async () => {
  state.flood = await startFlood();
  state.daemons = await openDaemons({
    pace: { firstMs: UPSTREAM_MS, tokenMs: 0 },
    limit: { windows: [{ requests: 1_000_000, seconds: 3_600, kind: 'rolling' }], concurrent: SLOTS / 4 },
    settings: `line: { max_waiting: ${WAITING} }\n`,
    providers: { flood: state.flood.provider },
  });
});
afterAll(async () => {
  await state.daemons.close();
  state.flood.close();
});
beforeEach(async () => {
  state.daemons.simulators.clearCalls();
  state.daemon = await state.daemons.start(`load-${(state.runs += 1)}`);
  await (await ask(state.daemon, true)).text();
});
afterEach(async () => {
  for (const socket of state.sockets.splice(0)) socket.destroy();
  await state.daemons.simulators.behave();
  // Nothing counted twice, nothing missed, and it still ends as it should.
  expect(await counted(state.daemon)).toBe(callsOf(state.daemons).length);
  state.daemon.signal('SIGTERM');
  expect(await state.daemon.ended).toBe(0);
});

const callsOf = ({ simulators }: Daemons) => simulators.calls({ path: '/chat/completions' });
const megabytes = ({ pid }: DaemonProcess): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
const percentile = (numbers: readonly number[], share: number): number => numbers.toSorted((one, other) => one - other)[Math.floor(share * (numbers.length - 1))] ?? NaN;

async function eventually(check: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await check())) await sleep(20);
}

async function timed<T>(act: () => Promise<T>): Promise<{ readonly ms: number; readonly value: T }> {
  const at = performance.now();
  const value = await act();
  return { ms: performance.now() - at, value };
}

const isAlive = async ({ url }: DaemonProcess): Promise<boolean> => (await fetch(`${url}/health`)).ok;

/** Of so many looks at health, each must be answered; the middle one within 100 ms, whatever the machine does beside. */
async function expectHealthy(daemon: DaemonProcess): Promise<void> {
  const looks: number[] = [];
  for (let look = 0; look < 15; look += 1) {
    const { ms, value } = await timed(() => isAlive(daemon));
    expect(value).toBe(true);
    looks.push(ms);
  }
  expect(percentile(looks, 0.5)).toBeLessThan(100);
}

test('ten times what upstream gives: goodput stays, the rest is refused at once, and it is over when it is over', async () => {
  const { daemon, daemons } = state;
  const PERIOD = 8 * SECOND;
  const perSecond = (10 * SLOTS * SECOND) / UPSTREAM_MS;
  const before = megabytes(daemon);
  const started = performance.now();
  const answers: Promise<{ readonly status: number; readonly ms: number; readonly at: number }>[] = [];
  const seen = { waiting: 0, megabytes: 0 };
  const one = async (): Promise<{ readonly status: number; readonly ms: number; readonly at: number }> => {
    const { ms, value } = await timed(async () => {
      const answer = await ask(daemon, answers.length % 2 === 0);
      await answer.text();
      return answer;
    });
    if (value.status !== 200) expect(Number(value.headers.get('retry-after'))).toBeGreaterThan(0);
    return { status: value.status, ms, at: performance.now() - started };
  };
  for (let now = 0; now < PERIOD; now = performance.now() - started) {
    while (answers.length < (perSecond * now) / SECOND) answers.push(one());
    if (answers.length % 50 === 0) seen.waiting = Math.max(seen.waiting, (await health(daemon)).waiting);
    seen.megabytes = Math.max(seen.megabytes, megabytes(daemon));
    await sleep(10);
  }
  const after = await timed(() => eventually(async () => (await ask(daemon, false)).ok));
  // 5 s, and what a loaded machine takes on top.
  expect(after.ms).toBeLessThan(10 * SECOND);

  const told = await Promise.all(answers);
  const refused = told.filter(({ status }) => status !== 200);
  const good = told.filter(({ status, at }) => status === 200 && at > 2 * SECOND && at < PERIOD).length;
  const calls = callsOf(daemons).flatMap(({ endedAt, receivedAt }) => (endedAt === undefined ? [] : [endedAt - receivedAt]));
  const capacity = (SLOTS * (PERIOD - 2 * SECOND)) / (calls.reduce((sum, ms) => sum + ms, 0) / calls.length);
  // 0.9 where the machine has nothing else to do; where it has far too much, this says nothing.
  expect(good / capacity).toBeGreaterThan((loadavg()[0] ?? 0) > 4 * availableParallelism() ? 0 : 0.5);
  expect(refused.filter(({ status }) => status !== 429 && status !== 503)).toEqual([]);
  expect(refused.length).toBeGreaterThan(told.length / 2);
  // 50 ms, and what a loaded machine takes on top; who is served waits for seconds.
  expect(percentile(refused.map(({ ms }) => ms), 0.5)).toBeLessThan(1_000);
  expect(seen.waiting).toBeLessThanOrEqual(WAITING);
  expect(seen.megabytes - before).toBeLessThan(150);
  expect(callsOf(daemons).filter(({ status }) => status !== 200)).toEqual([]);
});

test('everything upstream fails: retries do not become the storm, and it is back when upstream is', async () => {
  const { daemon, daemons } = state;
  await daemons.simulators.misbehave({ fault: { kind: 'answer', status: 500, body: '' } });
  const started = performance.now();
  const over = { asked: 0 };
  const clients = Array.from({ length: 8 }, async () => {
    while (performance.now() - started < 6 * SECOND) {
      over.asked += 1;
      const answer = await ask(daemon, over.asked % 2 === 0, { 'x-tollfree-deadline-ms': '2000' });
      const { error } = (await answer.json()) as { error: { attempts: { reason: string }[] } };
      const reasons = error.attempts.map(({ reason }) => reason);
      // An outage, and no quota that is spent; but each account takes one call at a time, and those who find them all busy are told that.
      expect([answer.status, reasons]).toEqual([reasons.includes('concurrent') ? 429 : 503, reasons]);
      // Who does as told is back in time, too.
      expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(30);
    }
  });
  await Promise.all(clients);
  const seconds = (performance.now() - started) / SECOND;
  // What ten were saved up for before is spent once.
  expect(callsOf(daemons).length).toBeLessThanOrEqual(1.2 * over.asked + 3 * seconds + 10);
  await daemons.simulators.behave();
  const healed = performance.now();
  await eventually(async () => (await ask(daemon, false)).ok);
  expect(performance.now() - healed).toBeLessThan(30 * SECOND);
});

test(`${READERS} readers that stopped: upstream is read no further, memory stays, others are served`, async () => {
  const { daemon, flood } = state;
  expect((await admin(daemon, 'POST', '/accounts', { provider: 'flood', key: 'sim-flood', check: false })).status).toBe(201);
  // What passes through takes its memory, too, whether somebody stops or not.
  for (let readers = 0; readers < 20; readers += 1) await pass(daemon, 10_000_000);
  const before = megabytes(daemon);
  for (let readers = 0; readers < READERS; readers += 25) await Promise.all(Array.from({ length: 25 }, () => stalled(daemon)));
  expect(flood.open).toBe(READERS);
  await eventually(async () => {
    const { bytes } = flood;
    await sleep(SECOND);
    return flood.bytes === bytes;
  });
  // 200 MB for 500, and what V8 has not come to yet.
  expect(megabytes(daemon) - before).toBeLessThan((200 / 500) * READERS + 50);
  expect(await (await ask(daemon, true)).text()).toContain('[DONE]');
  await expectHealthy(daemon);
  for (const socket of state.sockets) socket.destroy();
  await eventually(() => flood.open === 0);
});

test('five thousand who dribble their headers: health answers, others are served, and they are cut', async () => {
  const { daemon } = state;
  const before = megabytes(daemon);
  const cut = { count: 0 };
  for (let dribblers = 0; dribblers < 5_000; dribblers += 1) {
    const socket = open(daemon);
    socket.on('close', () => (cut.count += 1));
    socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\nx-');
    // As many as the system keeps in its queue of those that knock.
    if (dribblers % 250 === 249) await once(socket, 'connect');
  }
  const dribble = setInterval(() => state.sockets.forEach((socket) => socket.write('a')), 2 * SECOND);
  try {
    await expectHealthy(daemon);
    expect(await (await ask(daemon, true)).text()).toContain('[DONE]');
    expect(megabytes(daemon) - before).toBeLessThan(200);
    await eventually(() => cut.count === 5_000);
  } finally {
    clearInterval(dribble);
  }
});

test('a thousand bodies that promise much and bring little: nothing is set aside for them, others are served', async () => {
  const { daemon } = state;
  const before = megabytes(daemon);
  for (let writers = 0; writers < 1_000; writers += 1) {
    const socket = open(daemon);
    socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 30000000\r\n\r\n{"model":');
    if (writers % 250 === 249) await once(socket, 'connect');
  }
  const dribble = setInterval(() => state.sockets.forEach((socket) => socket.write(' ')), SECOND);
  try {
    await expectHealthy(daemon);
    await sleep(3 * SECOND);
    expect(await (await ask(daemon, true)).text()).toContain('[DONE]');
    expect(megabytes(daemon) - before).toBeLessThan(100);
  } finally {
    clearInterval(dribble);
  }
});

describe('what a client makes up', () => {
  test('thousands of names of models and keys leave nothing in the metrics, and nothing in memory', async () => {
    const { daemon } = state;
    const metrics = async (): Promise<string> => (await fetch(`${daemon.url}/metrics`)).text();
    const inBatches = async (count: number): Promise<void> => {
      for (let asked = 0; asked < count; asked += 50) {
        await Promise.all(
          Array.from({ length: 50 }, async (_, index) => {
            const model = index % 2 === 0 ? `made-up-${randomUUID()}` : `${names[0]}/made-up-${randomUUID()}`;
            const answer = await fetch(`${daemon.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json', 'authorization': `Bearer made-up-${randomUUID()}` }, body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }) });
            expect([401, 404, 503]).toContain(answer.status);
            await answer.text();
          }),
        );
      }
    };
    await inBatches(300);
    const before = [await metrics(), megabytes(daemon)] as const;
    await inBatches(2_000);
    const after = await metrics();
    expect(after).not.toContain('made-up');
    expect(after.split('\n').length - before[0].split('\n').length).toBeLessThan(20);
    expect(megabytes(daemon) - before[1]).toBeLessThan(100);
  });
});

function open({ url }: DaemonProcess): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.resume();
  state.sockets.push(socket);
  return socket;
}

/** A reader that stopped at the beginning. */
const stalled = (daemon: DaemonProcess): Promise<Socket> => startReading(() => open(daemon));

/** Reads so many bytes of a stream as they come, and leaves. */
async function pass(daemon: DaemonProcess, bytes: number): Promise<void> {
  const socket = await stalled(daemon);
  socket.resume();
  await eventually(() => socket.bytesRead > bytes);
  socket.destroy();
}
