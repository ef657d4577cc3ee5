/**
 * kill -9 at random under load and under an operator's changes, as real processes.
 * `KILLS=200 npm run test:faults -- crash` for as many as one likes.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DatabaseSync } from '@photostructure/sqlite';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { program, runProgram } from '../cli/process.ts';
import type { DaemonProcess } from '../support/process.ts';
import { hello } from '../support/system.ts';
import { admin, counted, health, names, openDaemons } from './daemons.ts';
import type { Daemons } from './daemons.ts';

const KILLS = Number(process.env['KILLS'] ?? 5);
const CLIENTS = 6;
const CALLS_A_ROUND = 40;
/** Of each of the four accounts: reached after the last kill, not before. */
const LIMIT = Math.ceil((KILLS + 2) * (CALLS_A_ROUND + CLIENTS) / 4);

const state: { daemons: Daemons } = { daemons: undefined as never };
beforeAll(async () => {
  state.daemons = await openDaemons({ pace: { firstMs: 10, tokenMs: 0 }, limit: { windows: [{ requests: LIMIT, seconds: 86_400, kind: 'rolling' }, { requests: 1_000_000, seconds: 3_600, kind: 'rolling' }] } });
});
afterAll(() => state.daemons.close());

/** Nanoseconds its main thread was ready to run and was not let: what the machine was busy with. 0 where the system does not say. */
function heldUp({ pid }: DaemonProcess): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]);
  } catch {
    return 0;
  }
}

interface Told {
  /** The secret all clients use, from the first round on. */
  secret?: string;
  /** Ids of requests whose answers were read to the end. */
  readonly finished: string[];
  /** Names of virtual keys that were said to be made. */
  readonly keys: string[];
}

/** Until the process is gone. */
async function ask(daemon: DaemonProcess, told: Told, stream: boolean): Promise<number> {
  const answer = await fetch(`${daemon.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json', 'authorization': `Bearer ${told.secret ?? ''}` }, body: JSON.stringify({ ...hello('Tell me a story'), stream }) });
  const text = await answer.text();
  if (answer.ok && (!stream || text.endsWith('data: [DONE]\n\n'))) told.finished.push(answer.headers.get('x-request-id') ?? '');
  return answer.status;
}

/** What an operator does all day in one round: keys that are made, and a new data key for the vault. */
async function administer(daemon: DaemonProcess, told: Told, round: number, over: { readonly so: boolean }): Promise<void> {
  for (let act = 0; !over.so; act += 1) {
    const name = `key-${round}-${act}`;
    const made = await admin(daemon, 'POST', '/virtual-keys', { name });
    told.secret ??= ((await made.json()) as { secret: string }).secret;
    if (made.status === 201) told.keys.push(name);
    await admin(daemon, 'POST', '/vault/rotate');
  }
}

test(`${KILLS} times: nothing unreadable, nothing lost that was told to be done, no limit exceeded`, async () => {
  const { daemons } = state;
  const environment = await daemons.environmentFor('crash');
  const chats = () => daemons.simulators.calls({ path: '/chat/completions' });
  const told: Told = { finished: [], keys: [] };
  const readyIn: number[] = [];
  const start = async (): Promise<DaemonProcess> => {
    const at = performance.now();
    const daemon = await daemons.start('crash');
    expect((await fetch(`${daemon.url}/health/ready`)).status).toBe(200);
    readyIn.push(performance.now() - at - heldUp(daemon) / 1_000_000);
    expect(await health(daemon)).toMatchObject({ status: 'ok', vault: 'unlocked', accounts: { total: 4 }, problems: [] });
    // What was sent was written down before: whatever upstream saw, this daemon knows of.
    expect(await counted(daemon)).toBeGreaterThanOrEqual(chats().length);
    return daemon;
  };

  for (let round = 0; round < KILLS; round += 1) {
    const daemon = await start();
    const over = { so: false };
    const rekeying = spawn(process.execPath, [program, 'vault', 'rekey'], { env: environment, stdio: 'ignore' });
    const gone = once(rekeying, 'exit');
    // The process is gone before it has answered the last act.
    const operator = administer(daemon, told, round, over).catch(() => undefined);
    while (told.secret === undefined) await sleep(5);
    const clients = Array.from({ length: CLIENTS }, async (_, number) => {
      for (let count = number; !over.so; count += 1) await ask(daemon, told, count % 2 === 0).catch(() => undefined);
    });
    await daemons.simulators.callsUntil({ path: '/chat/completions' }, chats().length + Math.ceil(Math.random() * CALLS_A_ROUND));
    over.so = true;
    daemon.signal('SIGKILL');
    rekeying.kill('SIGKILL');
    expect(await daemon.ended).toBe('SIGKILL');
    await Promise.all([gone, operator, ...clients]);
  }

  const last = await start();
  const { virtual_keys: keys } = (await (await admin(last, 'GET', '/virtual-keys?limit=1000')).json()) as { virtual_keys: { name: string }[] };
  expect(told.keys.filter((name) => !keys.some((key) => key.name === name))).toEqual([]);
  while ((await Promise.all(Array.from({ length: CLIENTS }, (_, number) => ask(last, told, number % 2 === 0)))).every((status) => status === 200));
  expect(chats().filter(({ status }) => status === 429)).toEqual([]);
  for (const provider of names) for (const account of ['one', 'two']) expect(daemons.simulators.calls({ path: '/chat/completions', provider, account }).length).toBeLessThanOrEqual(LIMIT);
  last.signal('SIGTERM');
  expect(await last.ended).toBe(0);

  const database = new DatabaseSync(join(environment['TOLLFREE_DATA_DIR'] ?? '', 'record', 'record.db'), { readOnly: true });
  const kept = new Set(database.prepare('select request_id as id from requests').all().map((row) => (row as { id: string }).id));
  database.close();
  expect(told.finished.length).toBeGreaterThan(KILLS);
  expect(told.finished.filter((id) => !kept.has(id))).toEqual([]);
  const vault = await runProgram(['vault', 'status', '--output', 'json'], { environment });
  expect(JSON.parse(vault.out)).toMatchObject({ accounts: 4, verified: true, audit: expect.not.objectContaining({ problem: expect.anything() }) as unknown });
  // Two seconds; on a machine that takes long for any start, a few times what one takes that has nothing to read back.
  expect(Math.max(...readyIn)).toBeLessThan(Math.max(2_000, 3 * (readyIn[0] ?? 0)));
  process.stdout.write(`${KILLS} kills: ${chats().length} calls, ${told.finished.length} finished, ready again after ${Math.round(Math.max(...readyIn))} ms at most\n`);
}, 60_000 + KILLS * 15_000);
