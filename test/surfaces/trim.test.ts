import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { failureOf } from '../../src/failure.ts';
import { parseChat } from '../../src/surfaces/chat.ts';
import { trimTo } from '../../src/surfaces/trim.ts';
import type { ChatRequest } from '../../src/types.ts';

const NAMED = 'max_context_tokens';
const words = (count: number): string => 'word '.repeat(count);
const system = { role: 'system', content: words(20) };
const user = (name: string, count = 40): object => ({ role: 'user', content: `${name} ${words(count)}` });
const assistant = (name: string): object => ({ role: 'assistant', content: `${name} ${words(40)}` });
const call = (id: string): object => ({ role: 'assistant', content: null, tool_calls: [{ id, type: 'function', function: { name: 'look', arguments: '{}' } }] });
const result = (id: string): object => ({ role: 'tool', tool_call_id: id, content: words(40) });

const ask = (messages: readonly object[]): ChatRequest => parseChat({ model: 'auto', messages }, { id: 'r', caller: { key: 'local', project: 'local' }, receivedAt: 0, deadline: 0, priority: 5 });
const messagesOf = ({ body }: ChatRequest): readonly unknown[] => body['messages'] as unknown[];

describe('trimming', () => {
  test('what fits is left as it is', () => {
    const request = ask([system, user('one')]);
    expect(trimTo(request, request.promptTokens, NAMED)).toBe(request);
  });

  test('the oldest turn goes first, whole, and the measure is taken anew', () => {
    const messages = [system, user('one'), assistant('one'), user('two'), assistant('two'), user('three')];
    const request = ask(messages);
    const trimmed = trimTo(request, request.promptTokens - 1, NAMED);
    expect(messagesOf(trimmed)).toEqual([system, ...messages.slice(3)]);
    expect(trimmed.promptTokens).toBe(ask([system, ...messages.slice(3)]).promptTokens);
    expect(trimmed.text.earlier).toHaveLength(1);
  });

  test('calls stay with their results, those of the last turn with it', () => {
    const messages = [user('one'), call('a'), result('a'), assistant('one'), user('two'), call('b'), result('b')];
    expect(messagesOf(trimTo(ask(messages), 160, NAMED))).toEqual(messages.slice(4));
  });

  test('what was left out is no longer needed', () => {
    const picture = { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,' } }, { type: 'text', text: 'what is this?' }] };
    const request = ask([picture, assistant('one'), user('two')]);
    expect([request.needs, trimTo(request, 100, NAMED).needs]).toEqual([['vision'], []]);
  });

  test('what must stay and does not fit is told', () => {
    const told = ((): unknown => {
      try {
        return trimTo(ask([system, user('one'), user('two', 400)]), 50, NAMED);
      } catch (error) {
        return failureOf(error);
      }
    })();
    expect(told).toMatchObject({ kind: 'invalid-request', code: 'context_length_exceeded', param: NAMED });
  });

  test('whatever the conversation: it fits, system and last turn are there, no result lacks its call', () => {
    const turn = fc.record({ size: fc.integer({ min: 1, max: 60 }), tools: fc.integer({ min: 0, max: 2 }), late: fc.boolean() });
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 900 }), (turns, most) => {
        const messages = turns.flatMap(({ size, tools, late }, index) => [
          ...(late ? [system] : []),
          user(`turn ${index}`, size),
          ...Array.from({ length: tools }, (_, nth) => [call(`${index}-${nth}`), result(`${index}-${nth}`)]).flat(),
        ]);
        const request = ask(messages);
        try {
          const trimmed = trimTo(request, most, NAMED);
          expect(trimmed.promptTokens).toBeLessThanOrEqual(most);
          expect(messagesOf(trimmed).filter((message) => JSON.stringify(message) === JSON.stringify(system))).toHaveLength(turns.filter(({ late }) => late).length);
          expect(trimmed.text.last).toBe(request.text.last);
          ask(messagesOf(trimmed) as object[]);
        } catch (error) {
          expect(failureOf(error)).toMatchObject({ code: 'context_length_exceeded' });
        }
      }),
    );
  });
});
