/** `server.workers`: several processes that are one daemon to everybody outside. Real processes on real sockets. */
import { expect, test } from '@jest/globals';
import { ADMIN_TOKEN, hello } from '../support/system.ts';
import { GROQ_ALONE, limited, persist, startTeam, until, WORKERS } from './support.ts';

const open = { groq: { rate_limit: {} } } as const;
const plentiful = { accounts: { groq: ['one', 'two'] }, simulators: { limits: open }, providers: limited(100_000), rules: GROQ_ALONE };

test('answer JSON and streams on every surface, and what the owner answers besides', async () => {
  const { chat, ask, health, pids } = await startTeam(plentiful);
  expect(pids()).toHaveLength(WORKERS);
  const answer = await chat(hello());
  expect([answer.status, answer.headers.get('x-tollfree-provider'), answer.headers.get('x-tollfree-attempts')]).toEqual([200, 'groq', '1']);
  expect(await answer.json()).toMatchObject({ object: 'chat.completion', choices: [{ finish_reason: 'stop' }] });
  expect((await (await chat({ ...hello(), stream: true })).text()).endsWith('data: [DONE]\n\n')).toBe(true);
  const message = await ask('POST', '/v1/messages', { ...hello(), max_tokens: 100, stream: true });
  expect(await message.text()).toContain('event: message_stop');
  expect(await (await ask('POST', '/v1/completions', { model: 'auto', prompt: 'hello' })).json()).toMatchObject({ object: 'text_completion' });
  expect(await (await ask('POST', '/v1/responses', { model: 'auto', input: 'hello' })).json()).toMatchObject({ object: 'response', status: 'completed' });
  expect(await (await ask('POST', '/v1/messages/count_tokens', hello())).json()).toHaveProperty('input_tokens');
  expect(await (await chat({ ...hello(), dry_run: true })).json()).toMatchObject({ object: 'chat.completion.estimate', candidates: [{ provider: 'groq', free_at: expect.any(String) }] });
  expect(await health()).toMatchObject({ status: 'ok', workers: { wanted: WORKERS, running: WORKERS } });
});

test('what cannot be asked is refused as by one process', async () => {
  const { chat, ask } = await startTeam(plentiful, 'auth: required');
  const refused = await chat(hello());
  expect([refused.status, await refused.json()]).toMatchObject([401, { error: { code: 'invalid_api_key', request_id: refused.headers.get('x-request-id') } }]);
  const unknown = await ask('GET', '/v1/nothing');
  expect([unknown.status, await unknown.json()]).toMatchObject([404, { error: { code: 'unknown_url' } }]);
  expect((await ask('GET', '/v1/chat/completions')).status).toBe(405);
  // Refused before all of it is read.
  for (let time = 0; time < 20; time += 1) {
    expect((await ask('POST', '/admin/accounts', { key: 'x'.repeat(time * 20_000) })).status).toBe(401);
    expect((await chat(hello('x'.repeat(time * 20_000)))).status).toBe(401);
  }
});

test('limits hold exactly over all of them, and who comes too late is told when', async () => {
  const limit = 15;
  const { chat, simulators } = await startTeam({ ...plentiful, providers: limited(limit) });
  const answers = await Promise.all(Array.from({ length: 100 }, async (_, index) => {
    const answer = await persist(() => chat({ ...hello(`question ${index}`), stream: index % 2 === 0 }));
    await answer.text();
    return answer;
  }));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(2 * limit);
  expect(simulators.calls({ path: '/chat/completions' })).toHaveLength(2 * limit);
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(100 - 2 * limit);
  for (const { headers } of refused) {
    const seconds = Number(headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(200);
    expect(seconds).toBeLessThanOrEqual(301);
  }
});

test('a key works from the answer that made it, holds its budget over all of them, and is out from the answer that revoked it', async () => {
  const { chat, admin } = await startTeam({ ...plentiful, simulators: { limits: open, pace: { firstMs: 0, tokenMs: 50 } } });
  const { secret, id } = (await (await admin('POST', '/virtual-keys', { name: 'ten', limits: { requests_per_day: 10 } })).json()) as { secret: string; id: string };
  const as = { authorization: `Bearer ${secret}` };
  const streams = await Promise.all(Array.from({ length: 60 }, (_, index) => persist(() => chat({ ...hello(`question ${index}`), stream: true }, as))));
  expect(streams.filter(({ status }) => status === 200)).toHaveLength(10);
  const refused = streams.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(50);
  expect(refused.every(({ headers }) => Number(headers.get('retry-after')) > 0)).toBe(true);
  expect((await chat(hello())).status).toBe(401);

  await admin('DELETE', `/virtual-keys/${id}`);
  const revokedAt = performance.now();
  const texts = await Promise.all(streams.filter(({ status }) => status === 200).map((stream) => stream.text()));
  expect(performance.now() - revokedAt).toBeLessThan(5_000);
  for (const text of texts) {
    expect(text).toContain('this key was revoked');
    expect(text).not.toContain('[DONE]');
  }
  expect((await chat(hello(), as)).status).toBe(401);
});

test('identical questions of a caching rule are asked once, whoever they come to', async () => {
  const rules = JSON.stringify({ routing_rules: [{ name: 'general', provider_preferences: ['groq'], cache: { ttl: '1h' } }], default_rule: 'general' });
  const { chat, simulators } = await startTeam({ ...plentiful, rules, simulators: { limits: open, pace: { firstMs: 100, tokenMs: 0 } } });
  const answers = await Promise.all(Array.from({ length: 20 }, () => chat(hello('the same'))));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(20);
  expect(simulators.calls({ path: '/chat/completions' })).toHaveLength(1);
  expect((await chat(hello('the same'))).headers.get('x-tollfree-cache')).toBe('hit');
});

test('rules that were saved are in force with the next question', async () => {
  const { chat, admin } = await startTeam(plentiful);
  const routeOf = async (): Promise<string | null> => (await chat(hello())).headers.get('x-tollfree-route');
  expect(await routeOf()).toBe('general');
  for (const name of ['other', 'third']) {
    const { version } = (await (await admin('GET', '/rules/source')).json()) as { version: string };
    expect((await admin('PUT', '/rules/source', { text: JSON.stringify({ routing_rules: [{ name, provider_preferences: ['groq'] }], default_rule: name }), version })).status).toBe(200);
    expect(await Promise.all(Array.from({ length: 8 }, routeOf))).toEqual(Array.from({ length: 8 }, () => name));
  }
});

test('a locked vault answers nobody, and an unlocked one everybody', async () => {
  const { chat, admin } = await startTeam({ ...plentiful, passphrase: 'correct horse battery staple' });
  expect((await chat(hello())).status).toBe(200);
  await admin('POST', '/vault/lock', {});
  const locked = await Promise.all(Array.from({ length: 8 }, () => chat(hello())));
  expect(locked.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 503));
  expect(await locked[0]?.json()).toMatchObject({ error: { code: 'vault_locked' } });
  expect((await admin('POST', '/vault/unlock', { passphrase: 'correct horse battery staple' })).status).toBe(200);
  expect((await chat(hello())).status).toBe(200);
});

test('users of a key have limits of their own, whichever worker they come to and however they are named', async () => {
  const { ask, admin } = await startTeam(plentiful);
  const { secret } = (await (await admin('POST', '/virtual-keys', { name: 'users', user_limits: { requests_per_minute: 2 } })).json()) as { secret: string };
  const asked = async (user: string): Promise<number> => {
    const answer = await ask('POST', '/v1/messages', { model: 'auto', max_tokens: 9, messages: [{ role: 'user', content: 'hello' }], metadata: { user_id: user } }, { 'x-api-key': secret });
    await answer.text();
    return answer.status;
  };
  for (const user of ['ada', 'grace']) {
    const statuses = await Promise.all(Array.from({ length: 8 }, () => asked(user)));
    expect(statuses.filter((status) => status === 200)).toHaveLength(2);
    expect(statuses.filter((status) => status === 429)).toHaveLength(6);
  }
});

test('a client that leaves frees its place in line, and stops its provider', async () => {
  const { chat, simulators, health } = await startTeam({ ...plentiful, accounts: { groq: ['one'] }, providers: limited(1), simulators: { limits: open, pace: { firstMs: 0, tokenMs: 200 } } });
  const reader = new AbortController();
  const stream = await chat({ ...hello(), stream: true }, {}, reader.signal);
  expect(stream.status).toBe(200);
  const waiter = new AbortController();
  const waits = chat(hello(), { 'x-tollfree-deadline-ms': '600000' }, waiter.signal).catch((error: Error) => error.name);
  await until(async () => (await health()).waiting === 1);
  waiter.abort();
  expect(await waits).toBe('AbortError');
  await until(async () => (await health()).waiting === 0);
  reader.abort();
  await simulators.callsUntil({ outcome: 'left' }, 1);
});

test('metrics, record and admin are the owner’s, and nobody gives himself an address', async () => {
  const { chat, ask, admin } = await startTeam(plentiful);
  await Promise.all(Array.from({ length: 30 }, async (_, index) => (await chat({ ...hello(`question ${index}`), stream: index % 3 === 0 })).text()));
  const metrics = await (await ask('GET', '/metrics')).text();
  const counted = [...metrics.matchAll(/^tollfree_requests_total\{.*status="200".*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
  expect(counted).toBe(30);
  const stats = (await (await admin('GET', '/usage-stats?by=provider')).json()) as { total: { requests: number; attempts: number } };
  expect(stats.total).toMatchObject({ requests: 30, attempts: 30 });
  const page = await ask('GET', '/dashboard');
  expect([page.status, page.headers.get('content-type'), page.headers.get('content-security-policy') !== null]).toEqual([200, 'text/html; charset=utf-8', true]);

  const guesses: number[] = [];
  for (let guess = 0; guess < 8; guess += 1) guesses.push((await ask('GET', '/admin/accounts', undefined, { authorization: 'Bearer wrong', 'x-tollfree-client-address': `10.0.0.${guess}` })).status);
  expect(guesses.at(-1)).toBe(429);
  expect((await ask('GET', '/admin/accounts', undefined, { authorization: `Bearer ${ADMIN_TOKEN}` })).status).toBe(429);
});
