/** Deny by default: every route there is, called without credentials. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { createApp } from '../../src/app.ts';
import type { AppOptions } from '../../src/app.ts';
import { createAdminDoor } from '../../src/http/admin-door.ts';
import { startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

interface Layer {
  readonly rawPath?: unknown;
  readonly route?: { readonly path: string | RegExp; readonly methods: Readonly<Record<string, boolean>> };
  readonly handle: { readonly stack?: readonly Layer[] };
}

/** Stands for whatever a route is made with: only the list of routes is wanted, and nothing is called. */
const anything: unknown = new Proxy(() => undefined, { get: (_target, name) => (name === Symbol.toPrimitive ? () => '' : anything), apply: () => anything });

function routesOf(stack: readonly Layer[], prefix = ''): readonly string[] {
  return stack.flatMap(({ rawPath, route, handle }) => {
    if (route !== undefined) return Object.keys(route.methods).map((method) => `${method === '_all' ? 'PUT' : method.toUpperCase()} ${`${prefix}${typeof route.path === 'string' ? route.path : '/v1/else'}`.replace(/(?<=.)\/$/, prefix === '' ? '/' : '')}`);
    return handle.stack === undefined ? [] : routesOf(handle.stack, rawPath === '/' ? prefix : `${prefix}${String(rawPath)}`);
  });
}

const options = { ...(anything as object), gateway: anything, accounts: anything, adminDoor: createAdminDoor({ token: 'token', now: Date.now, random: randomBytes }) };
const app = createApp(new Proxy(options, { get: (target, name) => (Reflect.get(target, name) as unknown) ?? anything }) as unknown as AppOptions);
const routes = routesOf((app as unknown as { router: { stack: readonly Layer[] } }).router.stack);

const state = {} as { system: System };
beforeAll(async () => {
  state.system = await startSystem();
  // From the first key on, nobody comes in without one.
  await state.system.admin('POST', '/virtual-keys', { name: 'first' });
});
afterAll(() => state.system.close());

const open = /^GET \/(health|health\/live|health\/ready|metrics|openapi\.json|dashboard.*)$/;
/** How one gets in, and whether one is: they tell nothing. */
const entrance = new Set(['POST /admin/session', 'GET /admin/session']);

describe('without credentials', () => {
  test('the list holds what is known to be there', () => {
    expect(routes).toEqual(expect.arrayContaining(['GET /metrics', 'GET /dashboard/', 'POST /v1/chat/completions', 'GET /admin/accounts', 'PATCH /admin/accounts/:id', 'POST /admin/vault/unlock', 'DELETE /admin/virtual-keys/:id', 'POST /admin/chat', 'GET /admin/events', 'DELETE /admin/session']));
    expect(routes.length).toBeGreaterThan(35);
  });

  test.each(routes.filter((route) => !open.test(route) && !entrance.has(route)))('%s is refused', async (route) => {
    const [method = '', path = ''] = route.split(' ');
    const answer = await fetch(`${state.system.url}${path.replace(/[:*]\w+/g, 'x')}`, { method, ...(method === 'POST' && { headers: { 'content-type': 'application/json' }, body: '{}' }) });
    // 405: another method of a path that is refused just the same.
    expect(method === 'PUT' ? [401, 405] : [401]).toContain(answer.status);
    expect(await answer.text()).not.toContain('sim-');
  });

  test('the entrance lets nobody in without the token', async () => {
    const { url } = state.system;
    const answer = await fetch(`${url}/admin/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"token":"guess"}' });
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([401, null]);
    expect(await (await fetch(`${url}/admin/session`)).json()).toEqual({});
  });

  test('what is not there is refused under /admin as well, so that nobody learns what is', async () => {
    expect((await fetch(`${state.system.url}/admin/nothing`)).status).toBe(401);
  });

  test.each(['/', '/dashboard/', '/admin/accounts', '/health', '/v1/models'])('%s comes with every security header', async (path) => {
    const { headers } = await fetch(`${state.system.url}${path}`);
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect(headers.get('content-security-policy')).not.toMatch(/unsafe|\*/);
    expect(Object.fromEntries(['x-content-type-options', 'referrer-policy', 'x-frame-options', 'access-control-allow-origin'].map((name) => [name, headers.get(name)]))).toEqual({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'x-frame-options': 'DENY', 'access-control-allow-origin': null });
  });
});
