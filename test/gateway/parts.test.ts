import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { failureOf } from '../../src/failure.ts';
import { createConcessions } from '../../src/gateway/concessions.ts';
import { createUntaken } from '../../src/gateway/untaken.ts';
import type { Untaken } from '../../src/gateway/untaken.ts';
import { createFirstContent } from '../../src/gateway/first-content.ts';
import { createRetryBudget } from '../../src/gateway/retry-budget.ts';
import { createTranscript } from '../../src/gateway/transcript.ts';
import type { ChatChunk, Target } from '../../src/types.ts';
import { model, provider, request } from './literals.ts';

const target: Target = { provider: provider('a', []), model: model('m') };
const other: Target = { provider: provider('b', []), model: model('m') };

const after = (...times: readonly number[]): number | undefined => {
  const known = createFirstContent();
  for (const time of times) known.noted(target, time);
  return known.deadline(target);
};

const often = (times: number, milliseconds: number): number[] => Array.from({ length: times }, () => milliseconds);

const refusing = (param: string): Parameters<ReturnType<typeof createConcessions>['concede']>[1] => ({ kind: 'caller', message: param, param });

const chunk = (delta: object, more: Partial<ChatChunk> = {}): ChatChunk => ({ text: JSON.stringify({ choices: [{ index: 0, delta }] }), whole: false, content: true, ...more });

async function* pieces(chunks: readonly ChatChunk[]): AsyncGenerator<ChatChunk> {
  yield* chunks;
}

const contentOf = ({ text }: ChatChunk): string => ((JSON.parse(text) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? '');

describe('the learned deadline', () => {
  test('is three times the slowest of the last hundred, between 3 and 30 s', () => {
    expect(after(...often(20, 2_000))).toBe(6_000);
    expect(after(...often(19, 500), 4_000)).toBe(12_000);
    expect(after(...often(20, 50))).toBe(3_000);
    expect(after(...often(20, 25_000))).toBe(30_000);
  });

  test('is unknown while little was seen, and of others', () => {
    expect(after(...often(19, 2_000))).toBeUndefined();
    const known = createFirstContent();
    for (const time of often(50, 2_000)) known.noted(target, time);
    expect(known.deadline(other)).toBeUndefined();
  });

  test('the quickest of several takes what it took on average, and one nobody knows may take no time', () => {
    const known = createFirstContent();
    for (const time of [100, 300]) known.noted(target, time);
    expect(known.usual([target, other])).toBe(0);
    known.noted(other, 250);
    expect(known.usual([target, other])).toBe(200);
  });

  test('forgets what is a hundred answers old', () => {
    expect(after(9_000, ...often(100, 2_000))).toBe(6_000);
  });
});

describe('the retry budget', () => {
  test('over any time, no more than a share of the live requests and so many a second', () => {
    const step = fc.oneof(fc.constant('live' as const), fc.constant('take' as const), fc.integer({ min: 1, max: 3_000 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const clock = { now: 0 };
        const budget = createRetryBudget({ now: () => clock.now, ratio: 0.2, perSecond: 3 });
        const seen = { live: 0, taken: 0 };
        for (const one of steps) {
          if (one === 'live') {
            seen.live += 1;
            budget.live();
          } else if (one === 'take') seen.taken += budget.take() ? 1 : 0;
          else clock.now += one;
          expect(seen.taken).toBeLessThanOrEqual(10 + 0.2 * seen.live + (3 * clock.now) / 1000 + 1e-6);
        }
      }),
    );
  });

  test('says when one more will be possible, and then it is', () => {
    const clock = { now: 0 };
    const budget = createRetryBudget({ now: () => clock.now, ratio: 0.2, perSecond: 3 });
    while (budget.take());
    clock.now = budget.nextAt() - 1;
    expect(budget.take()).toBe(false);
    clock.now = budget.nextAt();
    expect(budget.take()).toBe(true);
  });

  test('a share alone is enough', () => {
    const budget = createRetryBudget({ now: () => 0, ratio: 0.5, perSecond: 0 });
    while (budget.take());
    budget.live();
    budget.live();
    expect([budget.take(), budget.take()]).toEqual([true, false]);
  });
});

const untaken = (): Untaken => createUntaken(() => 0);

describe('parameters left out', () => {
  const asked = request({ body: { messages: [], top_k: 4, seed: 1, tools: [] } });

  test('once each, for the target that refused', () => {
    const concessions = createConcessions(asked, untaken());
    expect([concessions.concede(target, refusing('top_k')), concessions.concede(target, refusing('top_k')), concessions.concede(target, refusing('seed'))]).toEqual([true, false, true]);
    expect(concessions.fit(target).body).toEqual({ messages: [], tools: [] });
    expect(concessions.fit(other)).toBe(asked);
    expect(concessions.dropped(target)).toEqual(['top_k', 'seed']);
  });

  test('never what was not sent, what an answer needs, or what something else refused', () => {
    const concessions = createConcessions(asked, untaken());
    expect([refusing('top_p'), refusing('tools'), refusing('messages'), { kind: 'too-long' as const, message: 'x' }].map((failure) => concessions.concede(target, failure))).toEqual([false, false, false, false]);
  });

  test('a field that is not taken there at all is left out by those who come after, for a while; a value that was wrong is not', () => {
    const clock = { now: 0 };
    const known = createUntaken(() => clock.now);
    expect(createConcessions(asked, known).concede(target, { kind: 'caller', message: 'x', param: 'top_k', unknownField: true })).toBe(true);
    expect(createConcessions(asked, known).concede(target, refusing('seed'))).toBe(true);
    expect(createConcessions(asked, known).concede(target, { kind: 'caller', message: 'some field', anyField: true })).toBe(true);
    const next = createConcessions(asked, known);
    expect(next.fit(target).body).toEqual({ messages: [], seed: 1, tools: [] });
    expect(next.dropped(target)).toEqual(['top_k']);
    expect(next.fit(other)).toBe(asked);
    const without = request({ body: { messages: [] } });
    expect(createConcessions(without, known).fit(target)).toBe(without);
    clock.now = 24 * 3_600_000;
    expect(createConcessions(asked, known).fit(target)).toBe(asked);
  });
});

async function beyond(said: readonly ChatChunk[], again: readonly ChatChunk[]): Promise<string> {
  const transcript = createTranscript();
  said.forEach(transcript.note);
  const heard: string[] = [];
  try {
    for await (const piece of transcript.beyond(pieces(again))) {
      transcript.note(piece);
      heard.push(contentOf(piece));
    }
    return heard.join('');
  } catch (error) {
    return failureOf(error).message;
  }
}

describe('a second answer held against the first', () => {
  const end = chunk({}, { content: false, finish: 'stop' });

  const cut = (text: string, sizes: readonly number[]): ChatChunk[] => {
    const chunks: ChatChunk[] = [];
    let at = 0;
    for (const size of [...sizes, text.length]) {
      if (at < text.length) chunks.push(chunk({ content: text.slice(at, at + size) }));
      at += size;
    }
    return chunks;
  };

  test('however both are cut, exactly the rest comes', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }), fc.nat(), sizes, sizes, async (text, breakAt, first, second) => {
        const at = breakAt % (text.length + 1);
        expect(await beyond(cut(text.slice(0, at), first), [...cut(text, second), end])).toBe(text.slice(at));
      }),
    );
  });

  test('whatever differs is told and not sent', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 2, maxLength: 30 }), fc.nat(), async (text, place) => {
        const at = place % text.length;
        const changed = `${text.slice(0, at)}${text[at] === 'x' ? 'y' : 'x'}${text.slice(at + 1)}`;
        expect(await beyond([chunk({ content: text })], [...cut(changed, [3, 4]), end])).toMatch(/said something else/);
      }),
    );
  });

  test.each([
    ['a tool call was begun', [chunk({ tool_calls: [{ index: 0 }] })], [end], /more than words/],
    ['the second calls a tool', [chunk({ content: 'a' })], [chunk({ tool_calls: [{ index: 0 }] }), end], /more than words/],
    ['several choices', [{ ...end, text: JSON.stringify({ choices: [{ delta: { content: 'a' } }, { delta: { content: 'b' } }] }) }], [end], /more than words/],
    ['the second ends sooner', [chunk({ content: 'abc' })], [chunk({ content: 'ab' }), end], /ended sooner/],
    ['the second is empty', [chunk({ content: 'abc' })], [], /ended sooner/],
    ['reasoning differs', [chunk({ reasoning: 'so' })], [chunk({ reasoning: 'no' }), end], /something else/],
  ] as const)('%s', async (_what, said, again, words) => {
    expect(await beyond(said, again)).toMatch(words);
  });
});
