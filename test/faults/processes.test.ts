/** What only a process can show: an orderly end under load, and none at all. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DaemonProcess } from '../support/process.ts';
import { ask, askPatiently, counted, openDaemons } from './daemons.ts';
import type { Daemons } from './daemons.ts';

const state: { daemons: Daemons } = { daemons: undefined as never };

beforeAll(async () => {
  state.daemons = await openDaemons({ pace: { firstMs: 0, tokenMs: 25 } });
});
afterAll(() => state.daemons.close());

const isReady = ({ url }: DaemonProcess): Promise<boolean> => fetch(`${url}/health/ready`).then(({ ok }) => ok, () => false);

test('SIGTERM under 200 streams: nothing new at once, all of them finish, exit 0', async () => {
  const daemon = await state.daemons.start('drain');
  const streams: Response[] = [];
  while (streams.length < 200) streams.push(...(await Promise.all(Array.from({ length: 20 }, () => askPatiently(daemon, true)))));
  expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
  daemon.signal('SIGTERM');
  while (await isReady(daemon)) await sleep(5);
  // Not when they are over.
  expect(state.daemons.simulators.calls({ outcome: 'open' }).length).toBeGreaterThan(0);
  expect(await ask(daemon, true).then(({ status }) => status, () => 'refused')).not.toBe(200);
  const texts = await Promise.all(streams.map((answer) => answer.text()));
  expect(texts.filter((text) => !text.endsWith('data: [DONE]\n\n'))).toEqual([]);
  expect(await daemon.ended).toBe(0);
});

test('a second signal ends it at once', async () => {
  const undo = await state.daemons.simulators.misbehave({ fault: { kind: 'silence', after: 3 } });
  const daemon = await state.daemons.start('twice');
  const stream = await ask(daemon, true);
  const over = stream.text().catch(() => 'cut');
  const at = performance.now();
  daemon.signal('SIGTERM');
  while (await isReady(daemon)) await sleep(5);
  daemon.signal('SIGTERM');
  await daemon.ended;
  // The first one alone would have given it twenty seconds, those of a stall.
  expect(performance.now() - at).toBeLessThan(15_000);
  expect(await over).not.toContain('[DONE]');
  await undo();
});

test('kill -9 under load, again and again: no call upstream saw is forgotten but those in flight', async () => {
  const { simulators } = state.daemons;
  simulators.clearCalls();
  const CLIENTS = 8;
  let lost = 0;
  for (let round = 0; round < 4; round++) {
    const started = Date.now();
    const daemon = await state.daemons.start('crash');
    expect(Date.now() - started).toBeLessThan(30_000);
    const seen = simulators.calls({ path: '/chat/completions' }).length;
    lost += round === 0 ? 0 : CLIENTS;
    const known = await counted(daemon);
    expect(known).toBeGreaterThanOrEqual(seen - lost);
    expect(known).toBeLessThanOrEqual(seen + lost);
    const load = { killed: false };
    const clients = Array.from({ length: CLIENTS }, async () => {
      while (!load.killed) await ask(daemon, false).then((answer) => answer.text()).catch(() => undefined);
    });
    await simulators.callsUntil({ path: '/chat/completions' }, seen + 60 + round);
    load.killed = true;
    daemon.signal('SIGKILL');
    expect(await daemon.ended).toBe('SIGKILL');
    await Promise.all(clients);
  }
});
