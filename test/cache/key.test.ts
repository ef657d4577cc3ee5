import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { keyOf } from '../../src/cache/key.ts';
import type { ChatRequest } from '../../src/types.ts';
import { request } from '../gateway/literals.ts';

const messages = [{ role: 'user', content: 'hello' }];
const key = (body: object, more: Partial<ChatRequest> = {}, shared = false): string => keyOf(request({ body: { model: 'auto', messages, ...body }, ...more }), { rule: 'general', shared });

/** The same value with the fields of every object the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).toReversed().map(([name, inner]) => [name, reversed(inner)]));
}

describe('the same question', () => {
  test.each<[string, object, Partial<ChatRequest>?]>([
    ['as a stream', { stream: true, stream_options: { include_usage: true } }, { stream: true }],
    ['for another of the client’s users', { user: 'u1', safety_identifier: 'u1', metadata: { trace: '1' } }],
    ['with defaults said', { n: 1, presence_penalty: 0, frequency_penalty: 0, logprobs: false }],
    ['with nothing said', { temperature: null, tools: undefined }],
  ])('%s', (_, body, more = {}) => {
    expect(key(body, more)).toBe(key({}));
  });

  test('whatever order its fields have, and only those', () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()), (one, other) => {
      const [a, b] = [{ tool: one }, { tool: other }];
      expect(key(reversed(a) as object)).toBe(key(a));
      const same = JSON.stringify(sortedOf(one)) === JSON.stringify(sortedOf(other));
      expect(key(a) === key(b)).toBe(same);
    }));
  });
});

/** Told apart from the code under test: by sorting names alone. */
function sortedOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.keys(value).toSorted().map((name) => ({ [`.${name}`]: sortedOf((value as Record<string, unknown>)[name]) }));
}

const caller = (id: string, name: string): Partial<ChatRequest> => ({ caller: { id, key: name, project: 'p' } });

describe('another question', () => {
  test.each<[string, object, Partial<ChatRequest>?]>([
    ['other words', { messages: [{ role: 'user', content: 'Hello' }] }],
    ['other turns before them', { messages: [{ role: 'system', content: 'be brief' }, ...messages] }],
    ['another model', { model: 'groq/x' }],
    ['another temperature', { temperature: 1 }],
    ['several answers', { n: 2 }],
    ['tools', { tools: [{ type: 'function' }] }],
    ['a field nobody here knows', { brand_new: true }],
    ['another virtual key', {}, { caller: { key: 'other', project: 'p', id: 'key_2' } }],
    ['something else than a chat', {}, { relay: { path: '/embeddings' } }],
  ])('%s', (_, body, more = {}) => {
    expect(key(body, more)).not.toBe(key({}));
  });

  test('a renamed key is the same caller; keys are one where answers are shared', () => {
    expect(key({}, caller('key_1', 'old'))).toBe(key({}, caller('key_1', 'new')));
    expect(key({}, caller('key_1', 'a'), true)).toBe(key({}, caller('key_2', 'b'), true));
  });
});
