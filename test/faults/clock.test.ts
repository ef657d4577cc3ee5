/** A clock that is set, and a process that is stopped: no quota is freed early, nobody waits longer than a window. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { DaemonProcess } from '../support/process.ts';
import { askPatiently, openDaemons } from './daemons.ts';
import type { Daemons } from './daemons.ts';

const WINDOW_S = 4;
const HOUR_MS = 3_600_000;
const state: { daemons: Daemons; clock: string } = { daemons: undefined as never, clock: '' };

/** Loaded into the daemon before anything else: its system clock shows as much more as the file says, from the start and at each SIGUSR2. */
const SET_CLOCK = `
import { readFileSync } from 'node:fs';
const System = globalThis.Date;
const read = () => Number(readFileSync(new URL('clock', import.meta.url), 'utf8'));
let ahead = read();
globalThis.Date = class Date extends System {
  constructor(...given) {
    if (given.length === 0) super(System.now() + ahead);
    else super(...given);
  }
  static now() {
    return System.now() + ahead;
  }
};
process.on('SIGUSR2', () => { ahead = read(); });
`;

beforeAll(async () => {
  state.daemons = await openDaemons({
    pace: { firstMs: 0, tokenMs: 25 },
    limit: { windows: [{ requests: 5, seconds: WINDOW_S, kind: 'rolling' }] },
    // A call may be a second on its way on a loaded machine, and the next one none.
    counts: { windows: [{ requests: 5, seconds: WINDOW_S - 1, kind: 'rolling' }] },
    settings: 'deadlines: { stall: 2s }\n',
  });
  state.clock = join(state.daemons.directory, 'clock');
  writeFileSync(join(state.daemons.directory, 'set-clock.mjs'), SET_CLOCK);
});
afterAll(() => state.daemons.close());
beforeEach(() => {
  state.daemons.simulators.clearCalls();
  // What the daemon of the test before has used is nothing to this one, which cannot know of it.
  state.daemons.simulators.advance(WINDOW_S * 1_000);
});
afterEach(() => {
  const calls = callsOf(state.daemons);
  // The judge counts by a clock that nobody touched.
  expect(calls.filter(({ status }) => status === 429)).toEqual([]);
});

const callsOf = ({ simulators }: Daemons) => simulators.calls({ path: '/chat/completions' });

function startAhead(name: string, ahead: number): Promise<DaemonProcess> {
  writeFileSync(state.clock, String(ahead));
  return state.daemons.start(name, { NODE_OPTIONS: `--import ${pathToFileURL(join(state.daemons.directory, 'set-clock.mjs')).href}` });
}

function setAhead(daemon: DaemonProcess, ahead: number): void {
  writeFileSync(state.clock, String(ahead));
  daemon.signal('SIGUSR2');
}

/** More than the windows allow, until it is over; every request is answered in the end. */
function load(daemon: DaemonProcess): { readonly end: () => Promise<void> } {
  const over = { so: false };
  const clients = Array.from({ length: 8 }, async (_, number) => {
    for (let count = number; !over.so; count += 1) {
      const answer = await askPatiently(daemon, count % 2 === 0);
      expect([answer.status, (await answer.text()).includes('"finish_reason":"stop"')]).toEqual([200, true]);
    }
  });
  return {
    async end() {
      over.so = true;
      await Promise.all(clients);
    },
  };
}

/** The longest time without a call, seconds. */
function longestGap(): number {
  const times = callsOf(state.daemons).map(({ receivedAt }) => receivedAt);
  return Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? 0))) / 1_000;
}

/** A window, and what a loaded machine takes on top. */
const PATIENCE_S = WINDOW_S + 3;

test('set forward and back by an hour and by a day while it serves', async () => {
  const daemon = await startAhead('steps', 0);
  const { end } = load(daemon);
  for (const hours of [1, 0, -1, 0, 24, 0, -24, 0]) {
    await sleep(1_500);
    setAhead(daemon, hours * HOUR_MS);
  }
  await sleep(1_500);
  await end();
  expect(longestGap()).toBeLessThan(PATIENCE_S);
  // Three windows at the least, of twenty each, less what a loaded machine is late.
  expect(callsOf(state.daemons).length).toBeGreaterThan(40);
  daemon.signal('SIGTERM');
  expect(await daemon.ended).toBe(0);
  const days = new Set(readFileSync(join(state.daemons.directory, 'steps', 'tollfree.log'), 'utf8').split('\n').filter(Boolean).map((line) => (JSON.parse(line) as { time: string }).time.slice(0, 10)));
  // The log tells the time that the system told: the clock was set indeed.
  expect(days.size).toBeGreaterThan(1);
});

test('set back between two starts, by an hour and by a day', async () => {
  let daemon = await startAhead('starts', 0);
  const first = load(daemon);
  await sleep(2_000);
  await first.end();
  for (const hours of [-1, -24]) {
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
    daemon = await startAhead('starts', hours * HOUR_MS);
    const started = Date.now();
    const { end } = load(daemon);
    await sleep(WINDOW_S * 1_000);
    await end();
    const next = callsOf(state.daemons).find(({ receivedAt }) => receivedAt > started);
    expect(((next?.receivedAt ?? Infinity) - started) / 1_000).toBeLessThan(PATIENCE_S);
  }
});

test('stopped for longer than the stall deadline: streams end well, windows free as time passed, nobody is charged', async () => {
  const daemon = await startAhead('stopped', 0);
  const streams = await Promise.all(Array.from({ length: 4 }, () => askPatiently(daemon, true)));
  const texts = streams.map((answer) => answer.text());
  daemon.signal('SIGSTOP');
  await sleep(3_500);
  daemon.signal('SIGCONT');
  for (const text of texts) expect((await text).endsWith('data: [DONE]\n\n')).toBe(true);
  const { end } = load(daemon);
  await sleep(WINDOW_S * 1_000);
  daemon.signal('SIGSTOP');
  await sleep(WINDOW_S * 1_000);
  daemon.signal('SIGCONT');
  await sleep(WINDOW_S * 1_000);
  await end();
  expect(longestGap()).toBeLessThan(WINDOW_S + PATIENCE_S);
});
