/** Clients that stop in the middle of an answer or of a question: cut when their time is over, and nobody pays for them. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DaemonProcess } from '../support/process.ts';
import { admin, ask, openDaemons } from './daemons.ts';
import type { Daemons } from './daemons.ts';
import { startFlood, startReading } from './flood.ts';
import type { Flood } from './flood.ts';

const UPLOAD_MS = 1_000;
const state: { daemons: Daemons; daemon: DaemonProcess; flood: Flood; sockets: Socket[] } = { daemons: undefined as never, daemon: undefined as never, flood: undefined as never, sockets: [] };

beforeAll(async () => {
  state.flood = await startFlood();
  state.daemons = await openDaemons({ pace: { firstMs: 0, tokenMs: 0 }, settings: `deadlines: { reader: 500ms, upload: ${UPLOAD_MS}ms }\n`, providers: { flood: state.flood.provider } });
  state.daemon = await state.daemons.start('slow');
  expect((await admin(state.daemon, 'POST', '/accounts', { provider: 'flood', key: 'sim-flood', check: false })).status).toBe(201);
});
afterEach(async () => {
  for (const socket of state.sockets.splice(0)) socket.destroy();
  // Whoever reads and writes as clients do is served all the same, and nobody rests.
  expect(await (await ask(state.daemon, true)).text()).toContain('[DONE]');
  expect(await (await admin(state.daemon, 'GET', '/cooldowns')).json()).toEqual({ cooldowns: [] });
});
afterAll(async () => {
  await state.daemons.close();
  state.flood.close();
});

function open(): Socket {
  const { hostname, port } = new URL(state.daemon.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  state.sockets.push(socket);
  return socket;
}

/** What the log says of the flood's requests, once there are so many. */
async function logged(count: number): Promise<readonly Record<string, unknown>[]> {
  for (;;) {
    const lines = readFileSync(join(state.daemons.directory, 'slow', 'tollfree.log'), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>);
    const found = lines.filter(({ provider }) => provider === 'flood');
    if (found.length >= count) return found;
    await sleep(20);
  }
}

test('readers that stopped are cut when their time is over, and upstream is left', async () => {
  const { flood } = state;
  const readers = await Promise.all(Array.from({ length: 20 }, () => startReading(open)));
  while (flood.open > 0) await sleep(10);
  await Promise.all(readers.map(async (socket) => {
    const closed = once(socket, 'close');
    socket.resume();
    await closed;
  }));
  const told = await logged(20);
  expect(told.map(({ status, failure }) => [status, failure])).toEqual(Array.from({ length: 20 }, () => [499, 'cancelled']));
});

const body = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'hello' }] });
const head = 'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
/** How they begin, and go on for ever. */
const questions = [
  ['a length that is never reached', `${head}content-length: 100000\r\n\r\n${body}`, ' '],
  ['chunks without an end', `${head}transfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`, '1\r\n \r\n'],
  ['a body that does not begin', `${head}content-length: ${body.length}\r\n\r\n`, ''],
  ['headers without an end', head, 'x-more: 1\r\n'],
] as const;

test.each(questions)('%s: cut when its time is over, and nobody is asked', async (_name, beginning, more) => {
  const { simulators } = state.daemons;
  simulators.clearCalls();
  const socket = open();
  const seen: string[] = [];
  socket.on('data', (piece: Buffer) => void seen.push(piece.toString('latin1')));
  const closed = once(socket, 'close');
  const started = performance.now();
  socket.write(beginning);
  const dribble = setInterval(() => socket.write(more), 100);
  try {
    await closed;
  } finally {
    clearInterval(dribble);
  }
  expect(performance.now() - started).toBeGreaterThan(UPLOAD_MS / 2);
  expect(seen.join('')).toMatch(/^HTTP\/1\.1 4\d\d /);
  expect(simulators.calls()).toEqual([]);
});
