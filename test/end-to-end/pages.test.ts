/** Every list an operator can ask for comes in pages, and the pages together are the list. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OPERATIONS } from '../../src/http/operations.ts';
import { hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

interface Page {
  readonly next?: string | number;
  readonly [list: string]: unknown;
}

const state: { system: System } = { system: undefined as never };
beforeAll(async () => {
  state.system = await startSystem({ accounts: { groq: ['one', 'two'], cerebras: ['one'] } });
  const end = await state.system.simulators.misbehave({ fault: { kind: 'empty' } });
  for (let turn = 0; turn < 4; turn += 1) await state.system.chat({ ...hello(), model: 'openai/gpt-oss-120b' });
  await end();
  await state.system.chat({ ...hello(), model: 'cerebras/gpt-oss-120b' });
  for (const name of ['a', 'b', 'c']) await state.system.admin('POST', '/virtual-keys', { name });
});
afterAll(() => state.system.close());

const get = async (path: string): Promise<Page> => {
  const answer = await state.system.admin('GET', path);
  expect([path, answer.status]).toEqual([path, 200]);
  return (await answer.json()) as Page;
};

const LISTS: Readonly<Record<string, string>> = {
  '/accounts': 'accounts', '/providers': 'providers', '/virtual-keys': 'virtual_keys', '/cooldowns': 'cooldowns', '/breakers': 'breakers', '/vault/audit': 'newest', '/usage-stats?by=model,account': 'rows', '/requests': 'requests',
};

/** What passes while it is read is another matter. */
const lasting = (items: unknown): unknown => JSON.parse(JSON.stringify(items, (name, value: unknown) => (['used', 'resets_at', 'empty_at', 'until'].includes(name) ? undefined : value)));

describe('a list', () => {
  test.each(Object.entries(LISTS))('%s', async (path, list) => {
    const whole = await get(path);
    const pages: Page[] = [];
    for (let after = ''; pages.length < 500; ) {
      const page = await get(`${path}${path.includes('?') ? '&' : '?'}limit=1${after}`);
      pages.push(page);
      if (page.next === undefined) break;
      after = `&after=${encodeURIComponent(String(page.next))}`;
    }
    const items = pages.map((page) => page[list] as readonly unknown[]);
    expect(items.length).toBeGreaterThan(1);
    expect(items.every((page) => page.length === 1)).toBe(true);
    expect(lasting(items.flat())).toEqual(lasting(whole[list]));
    expect(whole.next).toBeUndefined();
  });

  test('is any route that takes the page before', () => {
    const paged = Object.entries(OPERATIONS).filter(([name, { query }]) => name.startsWith('GET /admin/') && query !== undefined && 'after' in query.shape);
    expect(paged.map(([name]) => name.slice('GET /admin'.length))).toEqual(expect.arrayContaining(Object.keys(LISTS).map((path) => path.replace(/\?.*/, ''))));
    expect(paged).toHaveLength(Object.keys(LISTS).length);
  });

  test.each(['/accounts', '/providers', '/virtual-keys', '/vault/audit'])('%s goes on from nowhere else', async (path) => {
    const answer = await state.system.admin('GET', `${path}?after=nobody`);
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { param: 'after' } }]);
  });

  test('says in a header where a table goes on', async () => {
    const first = await state.system.admin('GET', '/usage-stats?by=model&format=csv&limit=1');
    const [, next] = /^<(.+)>; rel="next"$/.exec(first.headers.get('link') ?? '') ?? [];
    expect(next).toBe('?by=model&format=csv&limit=1&after=1');
    const last = await state.system.admin('GET', '/usage-stats?by=model&format=csv&limit=500');
    expect(last.headers.get('link')).toBeNull();
    const [, second] = (await (await state.system.admin('GET', `/usage-stats${next}`)).text()).split('\r\n');
    expect((await last.text()).split('\r\n')[2]).toBe(second);
  });
});

test('the audit log is told back to its beginning, however long it is', async () => {
  const path = join(state.system.directory, 'data', 'audit.log');
  const before = await readFile(path, 'utf8');
  const many = Array.from({ length: 3_000 }, (_, number) => JSON.stringify({ act: `act ${number} ${'x'.repeat(200)}`, hash: `hash-${number}` }));
  await writeFile(path, `${many.join('\n')}\n`);
  const { newest, next } = await get('/vault/audit?limit=1000&after=hash-1500');
  expect([(newest as { hash: string }[])[0]?.hash, next]).toEqual(['hash-1499', 'hash-500']);
  expect(await get(`/vault/audit?limit=1000&after=hash-500`)).toMatchObject({ newest: { length: 500 } });
  await writeFile(path, before);
});
