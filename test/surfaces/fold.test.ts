import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { foldChunks, unfoldCompletion } from '../../src/surfaces/fold.ts';

const chunk = (delta: unknown, more: object = {}): string => JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: null }], ...more });
const piece = (index: number, content: string): string => JSON.stringify({ choices: [{ index, delta: { content }, finish_reason: null }] });
const call = (index: number, id: string): string => chunk({ tool_calls: [{ index, id, type: 'function', function: { name: 'f', arguments: '{}' } }] });
const odds = (index: number, token: string): string => JSON.stringify({ choices: [{ index, delta: { content: token }, logprobs: { content: [{ token, logprob: -0.5 }], refusal: null } }] });
const folded = (...texts: string[]): Record<string, unknown> => JSON.parse(foldChunks(texts)) as Record<string, unknown>;

describe('fold', () => {
  test('text, reasoning and arguments grow; ids and roles do not', () => {
    const answer = folded(
      chunk({ role: 'assistant', content: '' }),
      chunk({ role: 'assistant', reasoning: 'think' }),
      chunk({ role: 'assistant', reasoning: 'ing', content: 'Hel' }),
      chunk({ content: 'lo' }),
      chunk({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a"' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }),
    );
    expect(answer['choices']).toEqual([
      { index: 0, finish_reason: null, message: { role: 'assistant', content: 'Hello', reasoning: 'thinking', tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] } },
    ]);
  });

  test('how probable each token was grows, too, for each choice', () => {
    const end = JSON.stringify({ choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }] });
    expect(folded(odds(0, 'a'), odds(1, 'x'), odds(0, 'b'), end)['choices']).toMatchObject([
      { logprobs: { content: [{ token: 'a' }, { token: 'b' }], refusal: null }, message: { content: 'ab' }, finish_reason: 'stop' },
      { logprobs: { content: [{ token: 'x' }] }, message: { content: 'x' } },
    ]);
  });

  test('calls that are not counted from nought are all there is', () => {
    const answer = folded(chunk({ tool_calls: [{ index: 1, id: 'a', function: { name: 'f', arguments: '{' } }] }), chunk({ tool_calls: [{ index: 3, id: 'b' }, { index: 1, function: { arguments: '}' } }] }));
    expect(answer['choices']).toMatchObject([{ message: { tool_calls: [{ id: 'a', function: { arguments: '{}' } }, { id: 'b' }] } }]);
  });

  test('keeps the usage, the finish reason and fields nobody knows', () => {
    const answer = folded(
      chunk({ content: 'x' }, { x_groq: { id: 'req_1' } }),
      JSON.stringify({ id: 'c', choices: [{ index: 0, delta: {}, finish_reason: 'stop', native_finish_reason: 'eos' }] }),
      JSON.stringify({ id: 'c', choices: [], usage: { total_tokens: 3 }, citations: ['a'] }),
    );
    expect(answer).toMatchObject({ object: 'chat.completion', x_groq: { id: 'req_1' }, usage: { total_tokens: 3 }, citations: ['a'] });
    expect(answer['choices']).toMatchObject([{ finish_reason: 'stop', native_finish_reason: 'eos' }]);
  });

  test('several choices stay apart and in order', () => {
    const answer = folded(piece(1, 'b'), piece(0, 'a'), piece(1, 'B'));
    expect(answer['choices']).toMatchObject([{ index: 0, message: { content: 'a' } }, { index: 1, message: { content: 'bB' } }]);
  });

  test('a tool call without an index is a call of its own', () => {
    const answer = folded(chunk({ tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{}' } }] }), chunk({ tool_calls: [{ id: 'b', function: { name: 'g', arguments: '{}' } }] }));
    expect(answer['choices']).toMatchObject([{ message: { tool_calls: [{ id: 'a' }, { id: 'b' }] } }]);
  });
});

describe('fold, of what is meant to do harm', () => {
  test.each([[4_000_000_000, 2], [-1, 2], [0.5, 2], [7, 3]])('a tool call is one call, whatever its number: %d', (index, other) => {
    expect(folded(call(index, 'a'), call(other, 'b'))['choices']).toMatchObject([{ message: { tool_calls: [index, other].toSorted((a, b) => a - b).map((number) => ({ id: number === index ? 'a' : 'b' })) } }]);
  });

  test.each(['{"content":"x","__proto__":{"polluted":1}}', '{"odd":{"__proto__":{"polluted":1}}}'])('what it says of a prototype reaches nobody else: %s', (delta) => {
    folded('{"choices":[{"index":0,"delta":{"odd":{"b":2}}}]}', `{"choices":[{"index":0,"delta":${delta}}]}`, `{"__proto__":{"polluted":1},"choices":[{"index":0,"delta":${delta}}]}`);
    expect('polluted' in {}).toBe(false);
  });
});

describe('unfold', () => {
  const completions = fc.record({
    id: fc.string(),
    model: fc.string(),
    content: fc.string({ unit: 'grapheme' }),
    reasoning: fc.option(fc.string(), { nil: undefined }),
    finish: fc.constantFrom('stop', 'length', 'tool_calls'),
    calls: fc.array(fc.record({ id: fc.string({ minLength: 1 }), type: fc.constant('function'), function: fc.record({ name: fc.string(), arguments: fc.json() }) }), { maxLength: 3 }),
    usage: fc.record({ prompt_tokens: fc.nat(), completion_tokens: fc.nat() }),
  });

  test('told as chunks and folded again, a completion is what it was', () => {
    fc.assert(
      fc.property(completions, ({ id, model, content, reasoning, finish, calls, usage }) => {
        const message = { role: 'assistant', content, ...(reasoning !== undefined && { reasoning }), ...(calls.length > 0 && { tool_calls: calls }) };
        const whole = { id, model, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: finish }], usage };
        expect(JSON.parse(foldChunks(unfoldCompletion(JSON.stringify(whole), true)))).toEqual(whole);
      }),
    );
  });

  test('the usage chunk comes only when asked for', () => {
    const whole = JSON.stringify({ choices: [{ index: 0, message: { content: 'x' }, finish_reason: 'stop' }], usage: { total_tokens: 1 } });
    expect(unfoldCompletion(whole, false).join('')).not.toContain('usage');
    expect(unfoldCompletion(whole, true).at(-1)).toContain('"choices":[],"usage"');
  });
});
