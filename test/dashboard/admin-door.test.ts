/** The admin door: tokens, sessions, other people's pages, guessing. Time is an argument. */
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, request as ask } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import express from 'express';
import type { ErrorRequestHandler } from 'express';
import { consequences, failureOf } from '../../src/failure.ts';
import { createAdminDoor } from '../../src/http/admin-door.ts';
import { createAttempts } from '../../src/http/attempts.ts';
import { createSessions, SESSION_MS } from '../../src/http/sessions.ts';

const TOKEN = 'the-admin-token';
const state = { now: 1_000_000, servers: [] as Server[], port: 0 };

const told: ErrorRequestHandler = (error, _request, response, _next) => void response.status(consequences[failureOf(error).kind].status).json(failureOf(error));

beforeEach(async () => {
  state.now = 1_000_000;
  const door = createAdminDoor({ token: TOKEN, now: () => state.now, random: randomBytes });
  const app = express();
  app.use('/admin', door.entrance, door.guard, door.exit);
  app.all('/admin/thing', (_request, response) => void response.json({ done: true }));
  app.use(told);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  state.servers.push(server);
  state.port = (server.address() as AddressInfo).port;
});
afterAll(() => state.servers.forEach((server) => server.close().closeAllConnections()));

interface Told {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

/** Plain HTTP: `fetch` would not send the headers a browser forbids to scripts. */
function call(method: string, path: string, headers: Record<string, string> = {}, body?: object): Promise<Told> {
  return new Promise((resolve, reject) => {
    const sent = ask({ host: '127.0.0.1', port: state.port, method, path: `/admin${path}`, headers: { ...(body && { 'content-type': 'application/json' }), ...headers } }, (answer) => {
      answer.resume().on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers }));
    });
    sent.on('error', reject).end(body && JSON.stringify(body));
  });
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

async function signIn(): Promise<string> {
  const { status, headers } = await call('POST', '/session', {}, { token: TOKEN });
  expect(status).toBe(201);
  return headers['set-cookie']?.[0] ?? '';
}
const pairOf = (cookie: string): string => cookie.split(';')[0] ?? '';

describe('bearer', () => {
  test('the token opens, anything else does not', async () => {
    const statuses = [];
    for (const headers of [bearer(TOKEN), { 'x-api-key': TOKEN }, {}, bearer('other'), { authorization: `Basic ${TOKEN}` }]) statuses.push((await call('GET', '/thing', headers)).status);
    expect(statuses).toEqual([200, 200, 401, 401, 401]);
  });
});

describe('session', () => {
  test('the cookie is kept from scripts, other sites and other paths, and holds no token', async () => {
    const cookie = await signIn();
    expect(cookie).toMatch(new RegExp(`^tollfree_session_${state.port}=[\\w-]{43}; Path=/admin; HttpOnly; SameSite=Strict; Max-Age=${SESSION_MS / 1000}$`));
    expect(cookie).not.toContain(TOKEN);
  });

  test('it acts for our own page only', async () => {
    const cookie = pairOf(await signIn());
    const host = `127.0.0.1:${state.port}`;
    const table: readonly [string, Record<string, string>, number][] = [
      ['POST', { 'sec-fetch-site': 'same-origin' }, 200],
      ['POST', { origin: `http://${host}` }, 200],
      ['POST', {}, 403],
      ['POST', { 'sec-fetch-site': 'same-site', origin: `http://${host}` }, 403],
      ['POST', { 'sec-fetch-site': 'cross-site' }, 403],
      ['POST', { 'sec-fetch-site': 'none' }, 403],
      ['POST', { origin: 'http://127.0.0.1:1' }, 403],
      ['DELETE', { origin: 'null' }, 403],
      ['GET', {}, 200],
      ['GET', { 'sec-fetch-site': 'none' }, 200],
      ['GET', { 'sec-fetch-site': 'same-site' }, 403],
      ['GET', { origin: 'https://evil.example' }, 403],
    ];
    for (const [method, headers, status] of table) expect([method, headers, (await call(method, '/thing', { cookie, ...headers })).status]).toEqual([method, headers, status]);
  });

  test('it ends with the day, with signing out, and is nobody’s when made up', async () => {
    const cookie = pairOf(await signIn());
    const other = pairOf(await signIn());
    expect((await call('GET', '/thing', { cookie: `a=b; ${cookie}; c=d` })).status).toBe(200);
    expect((await call('DELETE', '/session', { cookie, 'sec-fetch-site': 'same-origin' })).status).toBe(204);
    expect((await call('GET', '/thing', { cookie })).status).toBe(401);
    expect((await call('GET', '/thing', { cookie: `tollfree_session_${state.port}=${'A'.repeat(43)}` })).status).toBe(401);
    state.now += SESSION_MS - 1;
    expect((await call('GET', '/thing', { cookie: other })).status).toBe(200);
    state.now += 1;
    expect((await call('GET', '/thing', { cookie: other })).status).toBe(401);
  });

  test('there are at most fifty', () => {
    const sessions = createSessions({ now: () => 0, random: randomBytes });
    const secrets = Array.from({ length: 51 }, () => sessions.open().secret);
    expect(secrets.map((secret) => sessions.expiryOf(secret) !== undefined)).toEqual([false, ...Array.from({ length: 50 }, () => true)]);
  });
});

describe('guessing', () => {
  test('after five wrong tokens even the right one waits, longer each time, and sessions go on', async () => {
    const cookie = pairOf(await signIn());
    for (let guess = 0; guess < 5; guess += 1) expect((await call('GET', '/thing', bearer(`guess-${guess}`))).status).toBe(401);
    expect((await call('GET', '/thing', bearer(TOKEN))).status).toBe(429);
    expect((await call('POST', '/session', {}, { token: TOKEN })).status).toBe(429);
    expect((await call('GET', '/thing', { cookie })).status).toBe(200);
    state.now += 1_000;
    expect((await call('GET', '/thing', bearer('again'))).status).toBe(401);
    state.now += 1_999;
    expect((await call('GET', '/thing', bearer(TOKEN))).status).toBe(429);
    state.now += 1;
    expect((await call('GET', '/thing', bearer(TOKEN))).status).toBe(200);
    expect((await call('GET', '/thing', bearer('a slip'))).status).toBe(401);
    expect((await call('GET', '/thing', bearer(TOKEN))).status).toBe(200);
  });

  test('a day of guessing from one address tries fewer than 1,500', () => {
    const clock = { now: 0 };
    const attempts = createAttempts(() => clock.now);
    const tried = { count: 0 };
    for (; clock.now < 86_400_000; clock.now += 250) {
      try {
        attempts.allow('one');
      } catch {
        continue;
      }
      attempts.failed('one');
      tried.count += 1;
    }
    expect(tried.count).toBeLessThan(1_500);
  });

  test('many addresses together are slowed, whoever has shown the token is not', () => {
    const clock = { now: 0 };
    const attempts = createAttempts(() => clock.now);
    attempts.succeeded('operator');
    for (let address = 0; address < 100; address += 1) attempts.failed(`bot-${address}`);
    expect(() => attempts.allow('bot-new')).toThrow(/too many/);
    expect(() => attempts.allow('operator')).not.toThrow();
    clock.now = 60_000;
    expect(() => attempts.allow('bot-new')).not.toThrow();
  });
});
