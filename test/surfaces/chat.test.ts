import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { failureOf, FailureError } from '../../src/failure.ts';
import type { Failure } from '../../src/failure.ts';
import { parseChat } from '../../src/surfaces/chat.ts';
import { estimateText } from '../../src/surfaces/prompt.ts';
import { parseRelay } from '../../src/surfaces/relay.ts';
import type { ChatRequest } from '../../src/types.ts';

const arrival = { id: 'req_1', caller: { key: 'local', project: 'local' }, receivedAt: 0, deadline: 30_000, priority: 5 };
const hello = [{ role: 'user', content: 'hello' }];
const parse = (body: unknown): ChatRequest => parseChat(body, arrival);
const refused = (body: unknown): Failure => {
  try {
    parse(body);
  } catch (error) {
    return failureOf(error);
  }
  throw new Error('was accepted');
};

describe('what is refused, and how it is told', () => {
  test.each<[string, unknown, string | undefined, RegExp]>([
    ['no body', undefined, undefined, /the body/],
    ['null', null, undefined, /the body/],
    ['a list', [], undefined, /the body/],
    ['no model', { messages: hello }, 'model', /model/],
    ['no messages', { model: 'auto' }, 'messages', /messages/],
    ['empty messages', { model: 'auto', messages: [] }, 'messages', /messages/],
    ['a wrong role', { model: 'auto', messages: [{ role: 'wizard', content: 'x' }] }, 'messages[0].role', /role/],
    ['content of a wrong type', { model: 'auto', messages: [{ role: 'user', content: 5 }] }, 'messages[0].content', /content/],
    ['a negative maximum', { model: 'auto', messages: hello, max_tokens: -1 }, 'max_tokens', /max_tokens/],
    ['a fractional maximum', { model: 'auto', messages: hello, max_tokens: 1.5 }, 'max_tokens', /max_tokens/],
    ['a million choices', { model: 'auto', messages: hello, n: 1_000_000 }, 'n', /n:/],
    ['a thousand stops', { model: 'auto', messages: hello, stop: Array.from({ length: 1000 }, String) }, 'stop', /stop/],
    ['a string for a boolean', { model: 'auto', messages: hello, stream: 'yes' }, 'stream', /stream/],
    ['a tool result without its call', { model: 'auto', messages: [...hello, { role: 'tool', tool_call_id: 'x', content: '1' }] }, 'messages[1].tool_call_id', /no earlier assistant message/],
  ])('%s', (_name, body, param, message) => {
    const failure = refused(body);
    expect(failure.kind).toBe('invalid-request');
    expect('param' in failure ? failure.param : undefined).toBe(param);
    expect(failure.message).toMatch(message);
  });

  test('anything at all is either understood or refused by name', () => {
    fc.assert(
      fc.property(fc.object({ key: fc.oneof(fc.constantFrom('model', 'messages', 'stream', 'tools', 'stop', 'n', 'role', 'content'), fc.string()), maxDepth: 4 }), (body) => {
        try {
          parse(body);
        } catch (error) {
          expect(error).toBeInstanceOf(FailureError);
          expect(failureOf(error).kind).toBe('invalid-request');
        }
      }),
    );
  });
});

describe('what is understood', () => {
  test('fields nobody knows pass through; destinations and credentials do not, whatever the surface', () => {
    const bait = { api_base: 'http://evil', api_key: 'sk-x', api_version: '1', base_url: 'http://evil', extra_headers: { a: 'b' }, headers: { a: 'b' }, proxy: 'http://evil', dry_run: false };
    const { body } = parse({ model: 'auto', messages: hello, reasoning_effort: 'low', brand_new: { a: 1 }, ...bait });
    expect(body).toEqual({ model: 'auto', messages: hello, reasoning_effort: 'low', brand_new: { a: 1 } });
    expect(parseRelay({ model: 'groq/some', input: 'x', brand_new: 1, ...bait }, '/embeddings', arrival).body).toEqual({ model: 'groq/some', input: 'x', brand_new: 1 });
  });

  test("what OpenAI's client noted in an answer stays here when the answer is said back", () => {
    const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };
    const said = { role: 'assistant', content: '{"b":2}', tool_calls: [call] };
    const messages = [...hello, { ...said, parsed: { b: 2 }, tool_calls: [{ ...call, function: { ...call.function, parsed_arguments: { a: 1 } } }] }, { role: 'tool', tool_call_id: 'c1', content: '1' }, { role: 'assistant', content: 'x', parsed: null }];
    expect(parse({ model: 'auto', messages }).body['messages']).toEqual([...hello, said, { role: 'tool', tool_call_id: 'c1', content: '1' }, { role: 'assistant', content: 'x' }]);
  });

  test('the last user turn, the earlier ones newest first, the system apart', () => {
    const { text } = parse({
      model: 'auto',
      messages: [{ role: 'system', content: 'be brief' }, { role: 'user', content: 'one' }, { role: 'assistant', content: 'ok' }, { role: 'user', content: [{ type: 'text', text: 'two' }] }, { role: 'user', content: 'three' }],
    });
    expect(text).toEqual({ last: 'three', earlier: ['two', 'one'], system: 'be brief' });
  });

  test('needs are read from the request itself', () => {
    expect(parse({ model: 'auto', messages: hello }).needs).toEqual([]);
    expect(parse({ model: 'auto', messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }] }).needs).toEqual(['vision']);
    expect(parse({ model: 'auto', messages: hello, tools: [{ type: 'function' }], response_format: { type: 'json_schema' } }).needs).toEqual(['tools', 'json_schema']);
    expect(parse({ model: 'auto', messages: hello, tools: [] }).needs).toEqual([]);
  });

  test('max_completion_tokens outranks max_tokens, and null is absent', () => {
    expect(parse({ model: 'auto', messages: hello, max_tokens: 10, max_completion_tokens: 20 }).maxOutput).toBe(20);
    expect(parse({ model: 'auto', messages: hello, max_tokens: null, temperature: null, stop: null })).not.toHaveProperty('maxOutput');
  });

  test('a tool result that answers a call is taken', () => {
    const messages = [...hello, { role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }] }, { role: 'tool', tool_call_id: 'c1', content: '1' }];
    expect(parse({ model: 'auto', messages }).body['messages']).toEqual(messages);
  });
});

describe('the estimate of tokens', () => {
  test.each([
    ['four letters a token', 'abcd'.repeat(100), 90, 110],
    ['about one to a Chinese character', '编写一个函数'.repeat(100), 500, 700],
    ['nothing for nothing', '', 0, 0],
  ])('%s', (_name, text, least, most) => {
    expect(estimateText(text)).toBeGreaterThanOrEqual(least);
    expect(estimateText(text)).toBeLessThanOrEqual(most);
  });
});
