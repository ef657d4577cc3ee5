import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { virtualKeyRoutes } from '../../src/http/virtual-keys.ts';
import { createWorld, type World } from '../keys/support.ts';
import { tollfree, type Heard } from './context.ts';
import { runProgram } from './process.ts';

let world: World;
beforeEach(() => void (world = createWorld()));
afterEach(() => world.remove());

/** Nobody listens on port 1. */
const environment = (port = 1): NodeJS.ProcessEnv => ({ TOLLFREE_DATA_DIR: world.directory, TOLLFREE_PORT: String(port), TOLLFREE_ADMIN_TOKEN: 'admin' });

const keysCommand = (commandLine: readonly string[], port?: number): Promise<Heard> => tollfree(['keys', ...commandLine], { environment: environment(port) });

async function withDaemon(job: (port: number) => Promise<void>): Promise<void> {
  const keys = await world.openKeys();
  const admission = world.openAdmission(keys);
  const app = express().get('/health/live', (_request, response) => void response.json({})).use('/admin/virtual-keys', virtualKeyRoutes({ keys, admission, now: () => world.clock.now }));
  const server: Server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await job((server.address() as AddressInfo).port).finally(() => {
    server.close();
    server.closeAllConnections();
    admission.close();
  });
}

const everything = ['create', 'team-a', '--project', 'web', '--rpm', '30', '--budget', '5/day', '--budget', '$20.5/total', '--limit', 'tokens_per_day=100000', '--user-limit', 'requests_per_day=9', '--models', 'auto', '--models', 'groq/*', '--surface', 'chat', '--priority', '3', '--expires', '2099-01-31'];
const meant = { name: 'team-a', project: 'web', models: ['auto', 'groq/*'], surfaces: ['chat'], limits: { requests_per_minute: 30, usd_per_day: 5, usd_total: 20.5, tokens_per_day: 100_000 }, user_limits: { requests_per_day: 9 }, priority: 3, expires_at: '2099-01-31T00:00:00.000Z' };

async function shareLimits(port?: number): Promise<void> {
  expect(await keysCommand(['limits', '--budget', '100/month', '--limit', 'requests_per_minute=600'], port)).toMatchObject({ status: 0, out: expect.stringMatching(/^all together +600 requests per minute · \$100\.00 per month$/m) });
  await keysCommand(['limits', '--project', 'web', '--limit', 'tokens_total=5000'], port);
  await keysCommand(['limits', '--project', 'web', '--limit', 'tokens_per_day=9'], port);
  expect((await world.openKeys()).shared()).toMatchObject({ all: [{ most: 600 }, { measure: 'nanoUsd', most: 1e11 }], projects: new Map([['web', [{ measure: 'tokens', period: 'day', most: 9 }]]]) });
  expect(JSON.parse((await keysCommand(['limits', '--project', 'web', '--output', 'json'], port)).out)).toEqual([{ scope: 'web', limits: { tokens_per_day: 9 } }]);
  await keysCommand(['limits', '--project', 'web', '--remove'], port);
  expect((await keysCommand(['limits', '--remove'], port)).words).toContain('no limits are shared');
  expect((await world.openKeys()).shared()).toEqual({ all: [], projects: new Map() });
}

describe('tollfree keys', () => {
  test('works on the file where no daemon answers, and says so', async () => {
    const made = await keysCommand(everything);
    expect(made).toMatchObject({ status: 0, out: expect.stringMatching(/^tf-[\w-]{43}\n$/), words: expect.stringContaining('it is not shown again') });
    expect(made.words).toContain('no daemon answers at 127.0.0.1:1; this is about');
    const keys = await world.openKeys();
    const key = keys.find(made.out.trim());
    expect(key).toMatchObject({ name: 'team-a' });
    const listed = await keysCommand(['list', '--output', 'json']);
    expect(JSON.parse(listed.out)).toEqual([{ ...meant, id: key?.id, state: 'active', hint: `tf-…${made.out.trim().slice(-4)}`, created_at: expect.any(String) }]);
  });

  test('works at the daemon where one answers, which knows it at once', async () => {
    await withDaemon(async (port) => {
      const made = await keysCommand([...everything, '--output', 'json'], port);
      expect(made.words).not.toContain('no daemon');
      const { secret, id, ...key } = JSON.parse(made.out) as { secret: string; id: string };
      expect(key).toMatchObject(meant);
      const rotated = await keysCommand(['rotate', 'team-a'], port);
      expect(rotated.out).toMatch(/^tf-[\w-]{43}\n$/);
      expect(rotated.out.trim()).not.toBe(secret);
      const revoked = await keysCommand(['revoke', id], port);
      expect(revoked).toEqual({ status: 0, out: '', words: `revoked team-a (${id})\n` });
      const table = (await keysCommand(['list'], port)).out;
      expect(table).toMatch(/team-a +web +revoked/);
      expect(table).toContain('0 of 30 requests per minute · 0 of 100,000 tokens per day · $0 of $5.00 per day · $0 of $20.50 total');
    });
  });

  test('tells programs limits as --limit takes them', async () => {
    await keysCommand(everything);
    expect((await keysCommand(['list', '--output', 'csv'])).out).toMatch(/,requests_per_minute=30 tokens_per_day=100000 usd_per_day=5 usd_total=20.5,auto groq\/\*,2099-01-31T/);
    expect((await keysCommand(['limits', '--limit', 'tokens_total=5000', '--output', 'csv'])).out).toBe('project,limits\nall together,tokens_total=5000\n');
  });

  test('sets, shows and takes away what projects and everybody share, at the daemon or in the file', async () => {
    await shareLimits();
    await withDaemon(shareLimits);
  });

  test('a name means the key that works', async () => {
    await keysCommand(['create', 'ci']);
    await keysCommand(['revoke', 'ci']);
    await keysCommand(['create', 'ci']);
    await keysCommand(['revoke', 'ci']);
    const listed = JSON.parse((await keysCommand(['list', '--output', 'json'])).out) as { state: string }[];
    expect(listed.map(({ state }) => state)).toEqual(['revoked', 'revoked']);
  });

  test.each([
    [['create', 'ci', '--budget', 'lots'], 2, 'must be USD per period, like 5/day'],
    [['create', 'ci', '--budget', '5/year'], 2, 'periods are minute, day, week, month, total'],
    [['create', 'ci', '--expires', 'soon'], 2, 'must be like 30d'],
    [['create', 'ci', '--limit', 'rpm'], 2, 'must be like tokens_per_day=100000'],
    [['create', 'ci', '--limit', 'rpm=3'], 2, 'limits.rpm: is not known here; known are requests_per_minute'],
    [['limits', '--limit', 'rpm=3'], 2, 'all.rpm: is not known here'],
    [['limits', '--project', 'a b', '--limit', 'tokens_total=3'], 2, 'must be made of letters'],
    [['limits', '--remove', '--budget', '5/day'], 2, 'say one of them'],
    [['create', 'a b'], 2, 'name: must be made of letters'],
    [['revoke', 'nobody'], 1, 'no virtual key is called "nobody"'],
    [['create'], 2, "missing required argument 'name'"],
  ])('%j ends with %d and says why', async (commandLine, status, words) => {
    const heard = await keysCommand(commandLine);
    expect(heard).toMatchObject({ status, out: '' });
    expect(heard.words).toContain(words);
  });

  test('as processes: four at once on one file lose nothing of each other', async () => {
    const names = Array.from({ length: 4 }, (_, number) => `key-${number}`);
    const made = await Promise.all(names.map((name) => runProgram(['keys', 'create', name], { environment: environment() })));
    expect(made.map(({ status }) => status)).toEqual(names.map(() => 0));
    const keys = await world.openKeys();
    expect(made.map(({ out }) => keys.find(out.trim())?.name)).toEqual(names);
  });
});
