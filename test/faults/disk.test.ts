/** Disks that take nothing: requests are served, the operator is told, and everything heals without a restart. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProcess } from '../support/process.ts';
import type { DaemonProcess } from '../support/process.ts';
import { admin, ask, counted, health, openDaemons } from './daemons.ts';
import type { Daemons, Health } from './daemons.ts';

const state: { daemons: Daemons } = { daemons: undefined as never };
beforeAll(async () => {
  state.daemons = await openDaemons({ pace: { firstMs: 0, tokenMs: 0 } });
});
afterAll(() => state.daemons.close());

const partsOf = ({ problems }: Health): readonly string[] => problems.map(({ part }) => part).toSorted();

async function answered(daemon: DaemonProcess, stream: boolean): Promise<number> {
  const answer = await ask(daemon, stream);
  await answer.text();
  return answer.status;
}

/** Asks, and does something an operator does, until health is as it should be; all requests are answered meanwhile. */
async function serveUntil(daemon: DaemonProcess, isSo: (seen: Health) => boolean): Promise<Health> {
  for (let asked = 0; ; asked += 1) {
    const seen = await health(daemon);
    if (isSo(seen)) return seen;
    if (asked > 2_000) throw new Error(`health stays ${JSON.stringify(seen)}`);
    expect(await answered(daemon, asked % 2 === 0)).toBe(200);
    expect((await admin(daemon, 'DELETE', '/cooldowns')).status).toBe(200);
    await sleep(5);
  }
}

const isOk = ({ status }: Health): boolean => status === 'ok';

const linux = process.platform === 'linux' ? describe : describe.skip;

linux('a log that takes nothing', () => {
  test('is told on standard output and by health, and goes on when it can', async () => {
    const environment = await state.daemons.environmentFor('log');
    const path = join(environment['TOLLFREE_DATA_DIR'] ?? '', 'tollfree.log');
    symlinkSync('/dev/full', path);
    const daemon = await startProcess(environment, state.daemons.directory);
    try {
      const told = await serveUntil(daemon, ({ status }) => status !== 'ok');
      expect(told).toMatchObject({ status: 'degraded', problems: [{ part: 'log file', message: expect.stringMatching(/log file cannot be written: ENOSPC.*free some space/) }] });
      expect((await fetch(`${daemon.url}/health/ready`)).status).toBe(200);
      expect(daemon.words()).toContain('the log file cannot be written');

      rmSync(path);
      await serveUntil(daemon, isOk);
      const lines = (): string[] => readFileSync(path, 'utf8').split('\n');
      while (!lines().some((line) => line.includes('"the log file is written again"'))) await sleep(20);
      const [healed] = lines().filter((line) => line.includes('written again')).map((line) => JSON.parse(line) as { lost_lines: number });
      expect(healed?.lost_lines).toBeGreaterThan(0);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      daemon.signal('SIGTERM');
      expect(await daemon.ended).toBe(0);
    } finally {
      daemon.signal('SIGKILL');
    }
  });

  test('does not keep a daemon from ending', async () => {
    const environment = await state.daemons.environmentFor('end');
    symlinkSync('/dev/full', join(environment['TOLLFREE_DATA_DIR'] ?? '', 'tollfree.log'));
    const daemon = await startProcess(environment, state.daemons.directory);
    await (await ask(daemon, false)).text();
    daemon.signal('SIGTERM');
    // What it said tells why, where it did not.
    expect([await daemon.ended, daemon.words()]).toEqual([0, expect.any(String)]);
  });
});

linux('standard output', () => {
  test.each([
    ['that is full', 'exec "$@" > /dev/full'],
    ['that nobody reads', 'exec "$@" > >(true)'],
  ])('%s ends nothing, and is told by health and in the file', async (_how, script) => {
    const environment = await state.daemons.environmentFor(_how);
    const daemon = await startProcess(environment, state.daemons.directory, { within: ['bash', '-c', script, 'bash'] });
    try {
      expect(partsOf(await serveUntil(daemon, ({ status }) => status !== 'ok'))).toEqual(['standard output']);
      const path = join(environment['TOLLFREE_DATA_DIR'] ?? '', 'tollfree.log');
      while (!readFileSync(path, 'utf8').includes('the standard output cannot be written')) await sleep(20);
      daemon.signal('SIGTERM');
      expect(await daemon.ended).toBe(0);
    } finally {
      daemon.signal('SIGKILL');
    }
  });
});

const limits = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0;

(limits ? test : test.skip)('too many open files: who is connected is served, what cannot be opened is told, and it heals', async () => {
  const daemon = await state.daemons.start('files');
  const limit = (most: number): void => void execFileSync('prlimit', ['--pid', String(daemon.pid), `--nofile=${most}:`]);
  await serveUntil(daemon, isOk);
  for (let warm = 0; warm < 5; warm += 1) expect(await answered(daemon, warm % 2 === 0)).toBe(200);
  // The record's thread has opened what it needs.
  expect(((await (await admin(daemon, 'GET', '/usage-stats')).json()) as { total: { requests: number } }).total.requests).toBeGreaterThan(0);
  const open = new Set(readdirSync(`/proc/${daemon.pid}/fd`).map(Number));
  // The next to be opened would get the lowest number that is free.
  limit(Array.from({ length: open.size + 1 }, (_, number) => number).find((number) => !open.has(number)) ?? 0);
  await serveUntil(daemon, (seen) => ['audit log', 'record database'].every((part) => partsOf(seen).includes(part)));
  for (let more = 0; more < 20; more += 1) expect(await answered(daemon, more % 2 === 0)).toBe(200);
  limit(10_000);
  await serveUntil(daemon, isOk);
  const { problem } = (await (await admin(daemon, 'GET', '/vault/audit')).json()) as { problem?: string };
  expect(problem).toBeUndefined();
});

/** A file system of its own, seen by the daemon alone; from here it is below /proc. */
const mounts = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

(mounts ? describe : describe.skip)('a full disk under everything', () => {
  test('costs no request and no count, is told part by part, and heals', async () => {
    const { daemons } = state;
    const environment = await daemons.environmentFor('full');
    const data = environment['TOLLFREE_DATA_DIR'] ?? '';
    const script = `cp "$0/vault.json" /tmp/vault.$$ && mount -t tmpfs -o size=2m,mode=700 none "$0" && mv /tmp/vault.$$ "$0/vault.json" && exec "$@"`;
    const daemon = await startProcess(environment, daemons.directory, { within: ['unshare', '-rm', 'bash', '-c', script, data] });
    const inside = (name: string): string => join(`/proc/${daemon.pid}/root`, data, name);
    daemons.simulators.clearCalls();
    try {
      await serveUntil(daemon, isOk);
      const before = readFileSync(inside('vault.json'), 'utf8');
      expect(() => writeFileSync(inside('filler'), Buffer.alloc(4 * 2 ** 20))).toThrow('ENOSPC');
      const all = ['audit log', 'key usage', 'log file', 'quota journal', 'record database', 'record spool'];
      await serveUntil(daemon, (seen) => all.every((part) => partsOf(seen).includes(part)));

      const refused = await admin(daemon, 'POST', '/virtual-keys', { name: 'late' });
      expect([refused.status, await refused.text()]).toEqual([500, expect.stringMatching(/ENOSPC|space/)]);
      const changed = await admin(daemon, 'POST', '/vault/rotate');
      expect([changed.status, await changed.text()]).toEqual([500, expect.stringMatching(/ENOSPC|space/)]);
      expect(readFileSync(inside('vault.json'), 'utf8')).toBe(before);

      rmSync(inside('filler'));
      await serveUntil(daemon, isOk);
      expect((await admin(daemon, 'POST', '/virtual-keys', { name: 'later' })).status).toBe(201);
      const asked = daemons.simulators.calls({ path: '/chat/completions' }).length;
      expect(await counted(daemon)).toBe(asked);
      const stats = (await (await admin(daemon, 'GET', '/usage-stats')).json()) as { total: { requests: number } };
      expect(stats.total.requests).toBe(asked);
      const audit = (await (await admin(daemon, 'GET', '/vault/audit')).json()) as { entries: number };
      expect(audit).not.toHaveProperty('problem');
      daemon.signal('SIGTERM');
      expect(await daemon.ended).toBe(0);
    } finally {
      daemon.signal('SIGKILL');
    }
  });
});

(mounts ? describe : describe.skip)('a directory that becomes read-only', () => {
  test('costs no request and no count, refuses every change, is told, and heals', async () => {
    const { daemons } = state;
    const environment = await daemons.environmentFor('read-only');
    const data = environment['TOLLFREE_DATA_DIR'] ?? '';
    const daemon = await startProcess(environment, daemons.directory, { within: ['unshare', '-rm'] });
    const mount = (script: string): void => void execFileSync('nsenter', ['-t', String(daemon.pid), '-U', '-m', '--preserve-credentials', 'sh', '-ec', script, data]);
    daemons.simulators.clearCalls();
    try {
      await serveUntil(daemon, isOk);
      const before = readFileSync(join(data, 'vault.json'), 'utf8');
      // What is open stays writable; a disk that is full refuses that, too, as above.
      mount('mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"');
      await serveUntil(daemon, (seen) => ['audit log', 'record database', 'record spool'].every((part) => partsOf(seen).includes(part)));
      expect((await fetch(`${daemon.url}/health/ready`)).status).toBe(200);
      for (const [path, body] of [['/virtual-keys', { name: 'late' }], ['/vault/rotate', {}], ['/accounts', { provider: 'groq', label: 'three', key: 'sim-groq-three', check: false }]] as const) {
        const refused = await admin(daemon, 'POST', path, body);
        expect([path, refused.status, await refused.text()]).toEqual([path, 500, expect.stringMatching(/EROFS.*mount its directory writable/)]);
      }
      expect(readFileSync(join(data, 'vault.json'), 'utf8')).toBe(before);

      mount('mount -o remount,bind,rw "$0"');
      await serveUntil(daemon, isOk);
      expect((await admin(daemon, 'POST', '/virtual-keys', { name: 'later' })).status).toBe(201);
      const asked = daemons.simulators.calls({ path: '/chat/completions' }).length;
      const stats = (await (await admin(daemon, 'GET', '/usage-stats')).json()) as { total: { requests: number } };
      expect([await counted(daemon), stats.total.requests]).toEqual([asked, asked]);
      daemon.signal('SIGTERM');
      expect(await daemon.ended).toBe(0);
    } finally {
      daemon.signal('SIGKILL');
    }
  });
});
