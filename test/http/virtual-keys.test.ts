import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import express from 'express';
import type { ErrorRequestHandler } from 'express';
import request from 'supertest';
import { failureOf } from '../../src/failure.ts';
import { virtualKeyRoutes } from '../../src/http/virtual-keys.ts';
import type { Admission } from '../../src/keys/admission.ts';
import type { Keys } from '../../src/keys/keys.ts';
import { tellOpenAi } from '../../src/surfaces/errors.ts';
import { createWorld, type World } from '../keys/support.ts';

const tell: ErrorRequestHandler = (error, _request, response, _next) => {
  const { status, body } = tellOpenAi(failureOf(error), 'req_1', 0);
  response.status(status).json(body);
};

let world: World;
let keys: Keys;
let admission: Admission;
let app: ReturnType<typeof express>;
beforeEach(async () => {
  world = createWorld();
  keys = await world.openKeys();
  admission = world.openAdmission(keys);
  app = express().use('/admin/virtual-keys', virtualKeyRoutes({ keys, admission, now: () => world.clock.now }), tell);
});
afterEach(() => {
  admission.close();
  world.remove();
});

const create = async (terms: object): Promise<{ readonly id: string; readonly secret: string }> => (await request(app).post('/admin/virtual-keys').send(terms)).body as { id: string; secret: string };

/** Not sent before it is awaited. */
const make = (key: string, terms: object = { name: 'ci' }) => request(app).post('/admin/virtual-keys').set('idempotency-key', key).send(terms);

describe('/admin/virtual-keys', () => {
  test('a key is made, shown without its secret, changed, rotated and revoked', async () => {
    const made = await request(app).post('/admin/virtual-keys').send({ name: 'ci', project: 'web', limits: { usd_per_day: 0.5 } });
    expect(made.status).toBe(201);
    const { secret, ...key } = made.body as { secret: string; id: string };
    expect(key).toMatchObject({ name: 'ci', project: 'web', state: 'active', hint: `tf-…${secret.slice(-4)}`, limits: { usd_per_day: 0.5 }, created_at: '2026-11-20T12:00:00.000Z', used: { requests_per_minute: 0, usd_total: 0 } });
    expect(JSON.stringify(key)).not.toMatch(/digest/);

    admission.admit({ key: 'ci', project: 'web', id: key.id }, { tokens: 7, usd: 0.25 });
    const shown = await request(app).get(`/admin/virtual-keys/${key.id}`);
    expect(shown.body).toMatchObject({ used: { requests_per_day: 1, tokens_per_day: 7, usd_per_day: 0.25 } });

    const changed = await request(app).patch(`/admin/virtual-keys/${key.id}`).send({ priority: 2 });
    expect(changed.body).toMatchObject({ name: 'ci', priority: 2, limits: { usd_per_day: 0.5 } });

    const rotated = (await request(app).post(`/admin/virtual-keys/${key.id}/rotate`)).body as { secret: string };
    expect([keys.find(secret), keys.find(rotated.secret)?.id]).toEqual([undefined, key.id]);

    const once = await request(app).delete(`/admin/virtual-keys/${key.id}`);
    const again = await request(app).delete(`/admin/virtual-keys/${key.id}`);
    expect(once.body).toMatchObject({ id: key.id, state: 'revoked' });
    expect([again.status, again.body]).toEqual([200, once.body]);
  });

  test('comes in pages that miss nobody', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await create({ name, project: name === 'c' ? 'other' : 'web' });
    const names: string[] = [];
    for (let query = '?limit=2', pages = 0; query !== ''; pages += 1) {
      const answer = await request(app).get(`/admin/virtual-keys${query}`);
      const { virtual_keys: page, next } = answer.body as { virtual_keys: { name: string }[]; next?: string };
      expect(page.length).toBeGreaterThan(0);
      names.push(...page.map(({ name }) => name));
      query = next === undefined ? '' : `?limit=2&after=${next}`;
      expect(pages).toBeLessThan(3);
    }
    expect(names).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect((await request(app).get('/admin/virtual-keys?project=other')).body).toMatchObject({ virtual_keys: [{ name: 'c' }] });
  });

  test('limits of projects and of everybody', async () => {
    await request(app).patch('/admin/virtual-keys/limits').send({ all: { usd_per_month: 100 }, projects: { web: { requests_per_minute: 9 }, old: { tokens_total: 1 } } });
    const changed = await request(app).patch('/admin/virtual-keys/limits').send({ projects: { old: null } });
    expect(changed.body).toEqual({ all: { usd_per_month: 100 }, projects: { web: { requests_per_minute: 9 } } });
    expect((await request(app).get('/admin/virtual-keys/limits')).body).toEqual(changed.body);
  });

  describe('asked again with the same Idempotency-Key', () => {
    test('gives the answer there was, and makes nothing twice, at once or later', async () => {
      const [first, beside] = await Promise.all([make('one'), make('one')]);
      world.clock.now += 9 * 60_000;
      const later = await make('one');
      expect([first.status, beside.status, later.status]).toEqual([201, 201, 201]);
      expect([beside.body, later.body]).toEqual([first.body, first.body]);
      expect(keys.list()).toHaveLength(1);
      expect(keys.find((later.body as { secret: string }).secret)?.name).toBe('ci');
    });

    test('a new secret is made once', async () => {
      const { id } = await create({ name: 'ci' });
      const rotate = (key: string) => request(app).post(`/admin/virtual-keys/${id}/rotate`).set('idempotency-key', key);
      const { secret } = (await rotate('one')).body as { secret: string };
      expect(((await rotate('one')).body as { secret: string }).secret).toBe(secret);
      expect(keys.find(secret)?.id).toBe(id);
      await rotate('two');
      expect(keys.find(secret)).toBeUndefined();
    });

    test('another question, a failure and ten minutes are told apart', async () => {
      await make('one');
      expect(await make('one', { name: 'other' })).toMatchObject({ status: 400, body: { error: { param: 'idempotency-key', message: expect.stringContaining('was used for another question') } } });
      expect((await make('two')).status).toBe(400);
      await keys.revoke(keys.list()[0]?.id ?? '');
      expect((await make('two')).status).toBe(201);
      world.clock.now += 10 * 60_000;
      expect((await make('two')).body).toMatchObject({ error: { param: 'name' } });
      expect(await make('x'.repeat(256), { name: 'third' })).toMatchObject({ status: 400, body: { error: { param: 'idempotency-key' } } });
    });
  });

  test.each([
    ['post', '', { name: 'x', limits: { rpm: 1 } }, 400, 'limits.rpm'],
    ['patch', '/limits', { everyone: {} }, 400, 'everyone'],
    ['get', '?limit=0', undefined, 400, 'limit'],
    ['get', '?after=key_000000000000', undefined, 400, 'after'],
    ['get', '/key_000000000000', undefined, 404, null],
    ['patch', '/constructor', {}, 404, null],
    ['delete', '/key_000000000000', undefined, 404, null],
    ['post', '/key_000000000000/rotate', undefined, 404, null],
  ] as const)('%s %s %j is told as %d at %s', async (method, path, body, status, param) => {
    const answer = await request(app)[method](`/admin/virtual-keys${path}`).send(body);
    expect(answer).toMatchObject({ status, body: { error: { param } } });
  });
});
