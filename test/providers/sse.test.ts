/** The event reader's own promises: sizes, deadlines, odd fields. Cuts and line ends are in the conformance suite. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createParser } from 'eventsource-parser';
import { FailureError } from '../../src/failure.ts';
import type { Failure } from '../../src/failure.ts';
import { createEventReader } from '../../src/providers/sse.ts';
import type { Reader } from '../../src/providers/sse.ts';

function reader(): { readonly reader: Reader; readonly clock: { now: number } } {
  const clock = { now: 0 };
  return { clock, reader: createEventReader({ host: 'x', now: () => clock.now }) };
}

function failureOf(action: () => unknown): Failure | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof FailureError) return error.failure;
    throw error;
  }
}

describe('events', () => {
  test('several data lines, names, ids, comments, retries', () => {
    const { reader: events } = reader();
    expect(events.feed(': hi\nretry: 5\nid: 7\nevent: error\ndata: a\ndata: b\n\ndata:c\n\n')).toEqual([{ text: 'a b', whole: false, event: 'error' }, { text: 'c', whole: false }]);
  });

  test('nothing comes after [DONE]', () => {
    const { reader: events } = reader();
    expect(events.feed('data: a\n\ndata: [DONE]\n\ndata: b\n\n')).toEqual([{ text: 'a', whole: false }]);
    expect(events.over()).toBe(true);
    expect(events.end()).toEqual([]);
  });

  test('a last event without its empty line is read at the end', () => {
    const { reader: events } = reader();
    expect(events.feed('data: a')).toEqual([]);
    expect(events.end()).toEqual([{ text: 'a', whole: false }]);
  });

  test('a drip must finish an event within a minute', () => {
    const { reader: events, clock } = reader();
    events.feed('data: ');
    for (clock.now = 10_000; clock.now <= 60_000; clock.now += 10_000) events.feed('x');
    clock.now = 60_001;
    expect(failureOf(() => events.feed('x'))).toMatchObject({ kind: 'silent', phase: 'event' });
  });

  test('comments and whole events are no drip, however long they go on', () => {
    const { reader: events, clock } = reader();
    for (; clock.now < 600_000; clock.now += 20_000) {
      events.feed(': thinking\n\n');
      events.feed('data: x\n\n');
    }
    for (let turn = 0; turn < 10; turn += 1) {
      events.feed('data: ');
      clock.now += 20_000;
      expect(events.feed('x\n\n')).toHaveLength(1);
    }
  });

  test('an event is bounded, in one piece or many lines', () => {
    for (const piece of ['x'.repeat(1_000_000), `data: ${'x'.repeat(1_000_000)}\n`]) {
      const { reader: events } = reader();
      expect(failureOf(() => {
        for (let turn = 0; turn < 10; turn += 1) events.feed(piece);
      })).toMatchObject({ kind: 'broken-answer' });
    }
  });

  test('so is how many there are', () => {
    const { reader: events } = reader();
    const many = 'data: {}\n\n'.repeat(100_000);
    for (let turn = 0; turn < 5; turn += 1) expect(events.feed(many)).toHaveLength(100_000);
    expect(failureOf(() => void events.feed('data: {}\n\n'))).toMatchObject({ kind: 'broken-answer' });
  });

  test('reads what the parser it is built on reads, in one line, for any text', () => {
    const word = fc.oneof(fc.constantFrom('data: ', 'data:', 'event: x', ': c', '\n', '\n\n', '\r', '\r\n', '{"a":1}', 'ä🎉', 'id: 1'), fc.string());
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), (words) => {
        const expected: string[] = [];
        const parser = createParser({ onEvent: ({ data }) => expected.push(data.replaceAll('\n', ' ')) });
        for (const text of words) parser.feed(text);
        parser.feed('\n\n');
        const { reader: events } = reader();
        const found = [...words.flatMap((text) => events.feed(text)), ...events.end()].map(({ text }) => text);
        if (!expected.some((data) => data.trim() === '[DONE]')) expect(found).toEqual(expected);
      }),
    );
  });
});
