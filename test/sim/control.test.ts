/** The control port and the records. */
import { describe, expect, test } from '@jest/globals';
import type { Simulators } from '../../src/sim/simulators.ts';
import { MIDNIGHT, ask, askJson, keyOf, withSimulators } from './support.ts';

async function control(simulators: Simulators, method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(`${simulators.origins.groq}/_sim${path}`, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

describe('the control port', () => {
  test('tells calls, filtered, and forgets them', () => withSimulators({}, async (simulators) => {
    await askJson(simulators, { account: 'a' });
    await askJson(simulators, { account: 'b' });
    expect(await control(simulators, 'GET', '/calls?account=b&status=200')).toMatchObject({ status: 200, body: { calls: [{ number: 2, provider: 'groq', account: 'b' }] } });
    expect(await control(simulators, 'DELETE', '/calls')).toEqual({ status: 204, body: undefined });
    expect((await control(simulators, 'GET', '/calls')).body).toEqual({ calls: [] });
  }));

  test('sets faults, the clock and limits', () => withSimulators({}, async (simulators) => {
    expect((await control(simulators, 'POST', '/faults', { provider: 'groq', times: 1, fault: { kind: 'refusal', name: 'overloaded' } })).status).toBe(200);
    expect((await askJson(simulators)).status).toBe(503);
    expect((await control(simulators, 'DELETE', '/faults')).status).toBe(204);
    expect((await control(simulators, 'GET', '/faults')).body).toEqual({ faults: [] });
    expect((await control(simulators, 'POST', '/clock', { advance: 5000 })).body).toEqual({ now: MIDNIGHT + 5000 });
    expect((await control(simulators, 'PUT', '/limits', { groq: { rate_limit: { requests_per_minute: 1 } } })).status).toBe(204);
    await askJson(simulators);
    expect((await askJson(simulators)).status).toBe(429);
  }));

  test.each([
    ['GET', '/nothing', undefined, 404, /no such control/],
    ['GET', '/calls?color=red', undefined, 400, /color/],
    ['POST', '/faults', { fault: { kind: 'refusal', name: 'nonsense' } }, 400, /openrouter has no refusal/],
    ['POST', '/faults', { fault: { kind: 'silence', after: 'soon' } }, 400, /must be request, headers or a number of content events/],
    ['POST', '/faults', { fault: { kind: 'silance' } }, 400, /no such fault; there are answer, refusal, html/],
    ['PUT', '/limits', { groq: { windows: [] } }, 400, /windows/],
  ])('answers %s %s with what is wrong', (method, path, body, status, message) => withSimulators({}, async (simulators) => {
    const answer = await control(simulators, method, path, body);
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([status, expect.stringMatching(message)]);
  }));
});

describe('a record', () => {
  test('holds the whole call, unknown fields too, and no credential', () => withSimulators({}, async (simulators) => {
    const response = await ask(simulators, { account: 'carol', body: { stream: true, somebody_elses_field: { deep: [1] } } });
    const text = await response.text();
    const [record] = simulators.calls();
    expect(record).toMatchObject({
      number: 1, at: MIDNIGHT, provider: 'groq', account: 'carol', organization: 'carol', model: 'openai/gpt-oss-120b', method: 'POST', path: '/chat/completions',
      body: { somebody_elses_field: { deep: [1] } }, status: 200, outcome: 'finished', bytes: Buffer.byteLength(text),
    });
    expect(record?.headers['authorization']).toMatch(/^sha256:[0-9a-f]{32}$/);
    expect(JSON.stringify(record)).not.toContain(keyOf('groq', 'carol'));
  }));

  test('tells keys apart without keeping them', () => withSimulators({}, async (simulators) => {
    await ask(simulators, { key: 'gsk_one' });
    await ask(simulators, { key: 'gsk_two' });
    await ask(simulators, { key: 'gsk_sim-named' });
    await ask(simulators, { key: 'sk-or-v1-foreign' });
    const accounts = simulators.calls().map(({ account }) => account);
    expect(accounts).toEqual([expect.stringMatching(/^gsk_[0-9a-f]{8}$/), expect.stringMatching(/^gsk_[0-9a-f]{8}$/), 'named', 'unknown']);
    expect(new Set(accounts).size).toBe(4);
  }));

  test('shows when a client left, at once, and what the part it took has cost', () =>
    withSimulators({ pace: { tokenMs: 200 } }, async (simulators) => {
      const leaving = new AbortController();
      const response = await fetch(`${simulators.baseUrls.groq}/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${keyOf('groq', 'alice')}`, 'user-agent': 'test/1' },
        body: JSON.stringify({ model: 'openai/gpt-oss-120b', stream: true, messages: [{ role: 'user', content: 'Hello!' }] }),
        signal: leaving.signal,
      });
      const reader = response.body?.getReader();
      await reader?.read();
      await reader?.read();
      const leftAt = performance.timeOrigin + performance.now();
      leaving.abort();
      const [record] = await simulators.callsUntil({ outcome: 'left' });
      expect(record?.status).toBe(200);
      // The answer would have taken another ten seconds. A busy machine may take its time to tell.
      expect((record?.endedAt ?? 0) - leftAt).toBeLessThan(5_000);
      expect(record?.events).toBeGreaterThan(0);
      expect(record?.tokens).toBeLessThan(30);
    }));

  test('a stream is paced, and a JSON answer waits for its first byte', () => withSimulators({ pace: { tokenMs: 2, firstMs: 20 } }, async (simulators) => {
    await (await ask(simulators, { body: { stream: true, max_tokens: 30 } })).text();
    await askJson(simulators);
    const [stream, json] = simulators.calls().map(({ receivedAt, endedAt = 0 }) => endedAt - receivedAt);
    expect(stream).toBeGreaterThanOrEqual(70);
    expect(json).toBeGreaterThanOrEqual(19);
  }));
});

test('whoever asks for nothing simulated is told what is', () => withSimulators({}, async (simulators) => {
  const response = await fetch(`${simulators.origins.groq}/v1/models`);
  expect([response.status, await response.text()]).toEqual([404, 'nothing is simulated here: try /openrouter/api/v1, /groq/openai/v1, /cerebras/v1 or /_sim/calls\n']);
}));
