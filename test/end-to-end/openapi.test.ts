/** `/openapi.json` against the routes the running program has. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Router } from 'express';
import { OPERATIONS } from '../../src/http/openapi.ts';
import { ADMIN_TOKEN, hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

interface Route {
  readonly path: string | RegExp;
  readonly methods?: readonly string[];
  readonly router?: Listing;
}
interface Listing {
  readonly listRoutes: () => readonly Route[];
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string; readonly security: readonly Readonly<Record<string, unknown>>[]; readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: { readonly required?: readonly string[] } }>> } }>>>>;
  readonly components: { readonly securitySchemes: object; readonly schemas: object };
}

/** Every router that anything is mounted on. */
const routers = new Set<Listing>();
const prototype = Router.prototype as unknown as { use: (this: Listing, ...handlers: unknown[]) => unknown };
const { use } = prototype;

const state: { system: System; document: Document } = { system: undefined as never, document: undefined as never };
beforeAll(async () => {
  prototype.use = function noted(...handlers) {
    routers.add(this);
    return use.apply(this, handlers);
  };
  state.system = await startSystem({ accounts: { groq: ['one'] } });
  prototype.use = use;
  state.document = (await (await fetch(`${state.system.url}/openapi.json`)).json()) as Document;
});
afterAll(() => state.system.close());

/** In OpenAPI's way of writing paths. The relay takes whatever is below `/v1`; what the dashboard is made of is its own matter. */
function written(path: string | RegExp): string {
  return typeof path === 'string' ? path.replaceAll(/[:*](\w+)/g, '{$1}') : '/v1/{path}';
}

function routesOf(listing: Listing, base = ''): readonly string[] {
  return listing.listRoutes().flatMap(({ path, methods, router }) => {
    const whole = `${base}${path === '/' ? '' : written(path)}`;
    if (router !== undefined) return routesOf(router, whole);
    return (methods ?? []).filter((method) => method !== 'HEAD' && method !== '*').map((method) => `${method} ${whole}`);
  });
}

const ownMatter = (route: string): boolean => route.startsWith('GET /dashboard/');

describe('/openapi.json', () => {
  test('has every route there is, and no other', () => {
    const root = [...routers].find((router) => router.listRoutes().some(({ path }) => path === '/openapi.json'));
    const routes = root === undefined ? [] : routesOf(root).filter((route) => !ownMatter(route));
    const told = Object.entries(state.document.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
    expect(routes.length).toBeGreaterThan(40);
    expect(new Set(told)).toEqual(new Set(routes));
  });

  test('says of each who may, as the doors do', async () => {
    const others = Object.entries(OPERATIONS).filter(([name]) => !name.includes('{'));
    const wrong: string[] = [];
    await state.system.admin('POST', '/virtual-keys', { name: 'first' });
    for (const [name, { by }] of others) {
      const [method = '', path = ''] = name.split(' ');
      const { status } = await fetch(`${state.system.url}${path}`, { method, redirect: 'manual', headers: { 'content-type': 'application/json' }, ...(method !== 'GET' && { body: '{}' }) });
      if ((status === 401) !== (by !== 'anybody')) wrong.push(`${name}: ${status}`);
    }
    expect(wrong).toEqual([]);
  });

  test('is a document that holds together', () => {
    const { openapi, paths, components } = state.document;
    expect(openapi).toBe('3.1.0');
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    const schemes = new Set(Object.keys(components.securitySchemes));
    expect(operations.flatMap(({ security }) => security.flatMap((one) => Object.keys(one))).filter((name) => !schemes.has(name))).toEqual([]);
    const references = [...JSON.stringify(state.document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name = '']) => name);
    expect(references.filter((name) => !(name in components.schemas))).toEqual([]);
  });

  test('has the chat’s body as it is validated', async () => {
    const schema = state.document.paths['/v1/chat/completions']?.['post']?.requestBody?.content['application/json']?.schema;
    expect(schema?.required).toEqual(['model', 'messages']);
    const { model, ...rest } = hello();
    expect(model).toBe('auto');
    const refused = await fetch(`${state.system.url}/admin/chat`, { method: 'POST', headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }, body: JSON.stringify(rest) });
    expect(await refused.json()).toMatchObject({ error: { param: 'model' } });
  });
});
