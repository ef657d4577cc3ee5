/** The request as each provider wants it. */
import { describe, expect, test } from '@jest/globals';
import { dialects } from '../../src/providers/dialects.ts';
import { openai } from '../../src/providers/openai.ts';
import type { Provider } from '../../src/types.ts';
import { jsonOf, model, provider, request } from './support.ts';

function sent(body: Readonly<Record<string, unknown>>, changes: Partial<Provider> = {}): Readonly<Record<string, unknown>> {
  const target = { provider: provider(changes), model: model({ name: 'openai/gpt-oss-120b' }) };
  return jsonOf(openai.encode(request(body), target, 'gsk_x'));
}

describe('encode', () => {
  test('the address, the headers, the provider\'s own included; none can replace the key', () => {
    const target = { provider: provider({ headers: { 'x-openrouter-title': 'tollfree', authorization: 'Bearer other' } }), model: model() };
    const { url, headers, method } = openai.encode(request({ stream: true }), target, 'gsk_x');
    expect([method, url]).toEqual(['POST', 'https://api.groq.com/openai/v1/chat/completions']);
    expect(headers).toEqual({ 'x-openrouter-title': 'tollfree', accept: 'text/event-stream', authorization: 'Bearer gsk_x', 'content-type': 'application/json' });
  });

  test('what the catalogue adds does not replace what the answer is read by', () => {
    const target = { provider: provider({ headers: { accept: 'text/html', 'content-type': 'text/plain' } }), model: model() };
    for (const dialect of dialects.values()) expect(dialect.encode(request({ stream: true }), target, 'key').headers).toMatchObject({ accept: 'text/event-stream', 'content-type': 'application/json' });
  });

  test('only the model is replaced; what nobody knows goes through', () => {
    const body = { model: 'auto', messages: [{ role: 'user', content: 'ä', odd: { deep: [1] } }], temperature: 0, new_field: null, tools: [] };
    expect(sent(body)).toEqual({ ...body, model: 'openai/gpt-oss-120b', stream: false });
  });

  test('what the developer says goes under the name everybody knows', () => {
    const developer = { role: 'developer', content: 'be brief', name: 'me' };
    expect(sent({ messages: [developer, { role: 'user', content: 'hi' }] })['messages']).toEqual([{ ...developer, role: 'system' }, { role: 'user', content: 'hi' }]);
    expect(developer.role).toBe('developer');
  });

  test('a stream asks for its usage, where the provider takes the question', () => {
    expect(sent({ stream: true })['stream_options']).toEqual({ include_usage: true });
    expect(sent({ stream: true, stream_options: { include_usage: false, other: 1 } })['stream_options']).toEqual({ include_usage: true, other: 1 });
    expect(sent({ stream: true }, { omit: ['stream_options'] })).not.toHaveProperty('stream_options');
    expect(sent({})).not.toHaveProperty('stream_options');
  });

  test('refused fields are left out, also inside messages; others are renamed', () => {
    const messages = [{ role: 'user', name: 'me', content: 'hi' }, { role: 'assistant', content: 'ho' }];
    const body = sent({ messages, logit_bias: { 1: 2 }, logprobs: false, seed: 7 }, { omit: ['logit_bias', 'logprobs', 'messages.name'], rename: { seed: 'random_seed' } });
    expect(body).toEqual({ model: 'openai/gpt-oss-120b', messages: [{ role: 'user', content: 'hi' }, messages[1]], random_seed: 7, stream: false });
    expect(messages[0]).toHaveProperty('name');
    expect(sent({ max_tokens: 5, max_completion_tokens: 9 }, { rename: { max_tokens: 'max_completion_tokens' } })['max_completion_tokens']).toBe(9);
  });

  test('what a client will look for in the answer is not left out: somebody else is asked', () => {
    for (const asked of [{ logprobs: true }, { top_logprobs: 2 }]) expect(() => sent({ messages: [], ...asked }, { omit: ['logprobs', 'top_logprobs'] })).toThrow(/does not take the field (?:top_)?logprobs/);
  });
});
