/** Connections that were kept and are gone when they are used again: the other side's right, and nobody's fault. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createHttp } from '../../src/providers/call.ts';
import type { Http } from '../../src/providers/call.ts';
import { createInquiry } from '../../src/providers/inquire.ts';
import { startSimulators } from '../../src/sim/simulators.ts';
import type { Simulators } from '../../src/sim/simulators.ts';
import { provider } from '../gateway/literals.ts';
import { openHouse } from './house.ts';
import type { House } from './house.ts';

const WHOLE = JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }] });

/** A provider that keeps connections, and what it does to those that come back. */
interface Keeper {
  readonly url: string;
  end: ((socket: Socket) => void) | undefined;
  /** To those that are new, too. */
  always: boolean;
  /** Answers wait until so many were asked for at once. */
  together: number;
  ended: number;
  readonly close: () => void;
}

async function openKeeper(): Promise<Keeper> {
  const known = new Set<Socket>();
  const held: ServerResponse[] = [];
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const { socket } = request;
    if (keeper.end !== undefined && (keeper.always || known.has(socket))) {
      keeper.ended += 1;
      return keeper.end(socket);
    }
    known.add(socket);
    request.resume().on('end', () => {
      held.push(response);
      if (held.length >= keeper.together) for (const one of held.splice(0)) one.end(WHOLE);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const keeper: Keeper = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    end: undefined,
    always: false,
    together: 1,
    ended: 0,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return keeper;
}

const state: { simulators: Simulators; http: Http; keeper: Keeper; house: House } = { simulators: undefined as never, http: undefined as never, keeper: undefined as never, house: undefined as never };
beforeAll(async () => {
  state.simulators = await startSimulators({ ports: 'each', pace: { firstMs: 0, tokenMs: 0 } });
});
afterAll(() => state.simulators.close());
beforeEach(async () => {
  const { simulators } = state;
  state.http = createHttp({ now: Date.now, userAgent: 'tollfree/0.0.0' });
  state.keeper = await openKeeper();
  state.house = await openHouse({ simulators, http: state.http, baseUrls: { groq: state.keeper.url } });
  simulators.clearCalls();
});
afterEach(async () => {
  await state.house.close();
  await state.http.close();
  state.keeper.close();
});

async function ask(stream = false): Promise<readonly (string | null)[]> {
  const answer = await state.house.chat({ model: 'auto', messages: [{ role: 'user', content: 'hello' }], stream });
  await answer.text();
  return [String(answer.status), answer.headers.get('x-tollfree-provider')];
}

const outcomes = (): readonly string[] => state.house.events.flatMap((event) => (event.type === 'attempt-finished' ? [`${event.attempt.provider} ${event.attempt.outcome}`] : []));
const blamed = (): readonly unknown[] => [...state.house.accounts.view().flatMap(({ rests }) => rests), ...state.house.accounts.breakers()];

const ends = { reset: (socket: Socket) => socket.resetAndDestroy(), closed: (socket: Socket) => socket.destroy(), 'ended politely': (socket: Socket) => socket.end() };

test.each(Object.entries(ends).flatMap(([how, end]) => [[how, true, end] as const, [how, false, end] as const]))('%s (stream: %s): the same account again over a new one, and nobody is blamed', async (_how, stream, end) => {
  expect(await ask(stream)).toEqual(['200', 'groq']);
  state.keeper.end = end;
  expect(await ask(stream)).toEqual(['200', 'groq']);
  expect(outcomes()).toEqual(['groq ok', 'groq stale-connection', 'groq ok']);
  expect([blamed(), state.simulators.calls()]).toEqual([[], []]);
});

test('where one is gone, no other that was kept is tried', async () => {
  state.keeper.together = 10;
  await Promise.all(Array.from({ length: 10 }, () => ask()));
  Object.assign(state.keeper, { together: 2, end: ends.reset });
  const first = ask();
  while (outcomes().at(-1) !== 'groq stale-connection') await new Promise((resolve) => setTimeout(resolve, 1));
  // Takes the place of the one that is gone, so that who was on it would be given another of the old ones.
  const rival = ask();
  expect(await Promise.all([first, rival])).toEqual([['200', 'groq'], ['200', 'groq']]);
  expect(state.keeper.ended).toBe(1);
});

test('however often it happens, no retry is spent on it', async () => {
  state.keeper.end = ends.reset;
  for (let count = 0; count < 40; count += 1) expect(await ask()).toEqual(['200', 'groq']);
  expect([state.keeper.ended, blamed(), state.simulators.calls()]).toEqual([39, [], []]);
});

test('nor does it spoil a look at the models or at a key', async () => {
  await ask();
  state.keeper.end = ends.reset;
  const inquiry = createInquiry({ http: state.http, now: Date.now });
  expect(await inquiry.listModels(provider('groq', [], { baseUrl: state.keeper.url }))).toEqual(JSON.parse(WHOLE));
  expect(state.keeper.ended).toBe(1);
});

test('who breaks a new one, too, is left, and counted once', async () => {
  await ask();
  Object.assign(state.keeper, { end: ends.reset, always: true });
  expect(await ask()).toEqual(['200', 'cerebras']);
  expect(outcomes()).toEqual(['groq ok', 'groq stale-connection', 'groq overloaded', 'cerebras ok']);
  expect(state.house.accounts.breakers().filter(({ scope }) => scope === 'target')).toMatchObject([{ provider: 'groq', consecutive: 1 }]);
});
