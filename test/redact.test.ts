import { expect, test } from '@jest/globals';
import { redactEvent } from '../src/observe/redact-event.ts';
import { redact } from '../src/redact.ts';
import type { GatewayEvent } from '../src/types.ts';

test.each([
  ['Incorrect API key provided: sk-proj-abc***********wxyz.', 'Incorrect API key provided: [key]'],
  ['key=gsk_0123456789abcdef is bad', 'key=[key] is bad'],
  ['Authorization: Bearer abcd.efgh-ijkl', 'Authorization: [key]'],
  ['authorization: basic dXNlcjpwYXNzd29yZA==', 'authorization: [key]'],
  ['GET https://user:pa55@example.com/x failed', 'GET https://[key]@example.com/x failed'],
  ['https://example.com/v1?a=b&api_key=very-secret#x', 'https://example.com/v1?a=b&api_key=[key]#x'],
  ['tollfree-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8', '[key]'],
  ['tf-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8 and AIzaSyA0123456789', '[key] and [key]'],
])('%s', (text, expected) => {
  expect(redact(text)).toBe(expected);
});

test.each(['groq/work is suspended: credential until 2026-11-20T12:00:00.000Z', 'the basic plan; a bearer of news', 'https://example.com/a@b', 'model openai/gpt-oss-120b at https://api.groq.com/openai/v1', 'task-force, risk-free, x-ai/grok'])('%s: left as it is', (text) => {
  expect(redact(text)).toBe(text);
});

test('takes no longer for a text that was made to take long', () => {
  const startedAt = performance.now();
  for (const text of ['a'.repeat(200_000), 'sk-'.repeat(60_000), `http://${'a:'.repeat(100_000)}`, 'Bearer '.repeat(30_000), '?key='.repeat(40_000), 'a://'.repeat(50_000)]) redact(text);
  expect(performance.now() - startedAt).toBeLessThan(1_500);
});

test('a provider’s words about an attempt are for its caller alone; notices lose their keys', () => {
  const attempt = { provider: 'p', account: 'a', model: 'm', outcome: 'caller', sent: true, message: 'bad prompt: "my secret plan"', startedAt: 0, endedAt: 1 };
  const request = { id: 'r', model: 'gsk_0123456789' } as never;
  const events: readonly GatewayEvent[] = [
    { type: 'attempt-finished', request, attempt },
    { type: 'request-finished', request, summary: { attempts: [attempt] } as never },
    { type: 'notice', level: 'warn', message: 'sk-0123456789', fields: { stack: 'at sk-0123456789', count: 3 } },
  ];
  const told = JSON.stringify(events.map(redactEvent));
  expect(told).not.toMatch(/secret plan|sk-0|gsk_/);
  expect(told).toContain('"count":3');
});
