import { describe, expect, test } from '@jest/globals';
import { failureOf } from '../../src/failure.ts';
import { answer } from '../../src/gateway.ts';
import type { Gateway } from '../../src/gateway.ts';
import { createAnswerCache } from '../../src/gateway/answer-cache.ts';
import type { CacheRule, ChatChunk, ChatRequest, RequestSummary } from '../../src/types.ts';
import { request, role, rule, silence, stage, stop, word } from './literals.ts';
import type { Script, Stage } from './literals.ts';

const good: readonly ChatChunk[] = [role, word('hi'), stop];
const whole: ChatChunk = { text: '{"whole":1}', whole: true, content: true, finish: 'stop', usage: { input: 10, output: 2 } };
const HOUR = 3_600_000;
const MILLION = 1_000_000;

interface Scene extends Stage {
  readonly clock: { now: number };
  readonly ask: (more?: Partial<ChatRequest>, signal?: AbortSignal) => Promise<Heard>;
  readonly told: () => readonly RequestSummary[];
}

interface Heard {
  readonly texts: readonly string[];
  readonly cache?: { readonly hit: boolean; readonly ageMs: number } | undefined;
  readonly attempts?: number;
  readonly failure?: string;
}

/** One provider, whose calls go by the scripts one after the other, behind a rule that caches. */
function scene(scripts: readonly Script[], cache: CacheRule | 'off' = { ttlMs: HOUR, shared: false }): Scene {
  const staged = stage({ rules: [rule({ preferences: ['a'], ...(cache !== 'off' && { cache }) })], accounts: { a: ['one'] }, scripts: { 'a/one': scripts } });
  const clock = { now: MILLION };
  const numbers = { next: 0 };
  const gateway: Gateway = { ...staged.gateway, cache: createAnswerCache({ now: () => clock.now, mostBytes: MILLION }), now: () => clock.now, price: () => ({ costUsd: 0, savedUsd: 0.5 }) };
  const ask = async (more: Partial<ChatRequest> = {}, signal = new AbortController().signal): Promise<Heard> => {
    const texts: string[] = [];
    try {
      const certain = await answer(gateway, request({ id: `req_${(numbers.next += 1)}`, deadline: clock.now + 30_000, receivedAt: clock.now, ...more }), signal);
      for await (const { text, whole: all } of certain.chunks) {
        texts.push(text);
        // A reader that has had enough stops at the word it asked for.
        if (text === more.text?.last) break;
        // As a JSON answer is read: no further than it goes.
        if (all) break;
      }
      return { texts, cache: certain.cache, attempts: certain.attempts };
    } catch (error) {
      return { texts, failure: failureOf(error).kind };
    }
  };
  return { ...staged, clock, ask, told: () => staged.events.flatMap((event) => (event.type === 'request-finished' ? [event.summary] : [])) };
}

const texts = good.map(({ text }) => text);
const other: Partial<ChatRequest> = { caller: { key: 'other', project: 'p', id: 'key_2' } };

describe('an answer', () => {
  test('is told again to who asks the same, without a call', async () => {
    const { ask, calls, clock, told, endings } = scene([good]);
    expect(await ask()).toEqual({ texts, cache: { hit: false, ageMs: 0 }, attempts: 1 });
    clock.now += 2_500;
    expect(await ask({ stream: false })).toEqual({ texts, cache: { hit: true, ageMs: 2_500 }, attempts: 0 });
    expect(calls).toEqual(['a/one']);
    expect(endings).toEqual(['a/one settled 2']);
    expect(told()).toMatchObject([
      { status: 200, cache: 'miss', usage: { input: 10, output: 2 }, costUsd: 0, savedUsd: 0.5 },
      { status: 200, cache: 'hit', usage: { input: 0, output: 0 }, costUsd: 0, savedUsd: 0.5, attempts: [], rule: 'general', provider: 'a', account: 'one', model: 'm' },
    ]);
  });

  test('of one piece is kept though its reader goes no further', async () => {
    const { ask, calls } = scene([[whole]]);
    await ask({ stream: false });
    expect(await ask()).toMatchObject({ texts: [whole.text], cache: { hit: true } });
    expect(calls).toHaveLength(1);
  });

  test('is forgotten when its time is over', async () => {
    const { ask, calls, clock } = scene([good]);
    await ask();
    clock.now += HOUR + 1;
    expect(await ask()).toMatchObject({ cache: { hit: false } });
    expect(calls).toHaveLength(2);
  });

  test('is kept only where the rule says so', async () => {
    const { ask, calls, told } = scene([good], 'off');
    await ask();
    expect(await ask()).toMatchObject({ texts, cache: undefined });
    expect(calls).toHaveLength(2);
    expect(told().map(({ cache }) => cache)).toEqual([undefined, undefined]);
  });

  test('is a virtual key’s own, unless the rule shares it', async () => {
    const own = scene([good]);
    await own.ask();
    expect(await own.ask(other)).toMatchObject({ cache: { hit: false } });
    const shared = scene([good], { ttlMs: HOUR, shared: true });
    await shared.ask();
    expect(await shared.ask(other)).toMatchObject({ cache: { hit: true } });
  });

  test('is neither told nor kept where the client says off, and asked anew and kept where it says refresh', async () => {
    const { ask, calls, clock } = scene([good]);
    await ask({ cache: 'off' });
    await ask();
    await ask({ cache: 'off' });
    expect(calls).toHaveLength(3);
    clock.now += 1_000;
    expect(await ask({ cache: 'refresh' })).toMatchObject({ cache: { hit: false } });
    expect(await ask()).toMatchObject({ cache: { hit: true, ageMs: 0 } });
    expect(calls).toHaveLength(4);
  });

  test.each<[string, Script]>([
    ['that broke', [role, word('half'), { kind: 'broken-answer', message: 'torn' }]],
    ['that was refused', { kind: 'caller', message: 'no' }],
    ['that a filter cut', [role, word('half'), { ...stop, finish: 'content_filter' }]],
  ])('%s is not kept', async (_, script) => {
    const { ask, calls } = scene([script, good]);
    await ask();
    expect(await ask()).toMatchObject({ texts, cache: { hit: false } });
    expect(calls).toHaveLength(2);
  });

  test('left in the middle is not kept', async () => {
    const { ask, calls, endings } = scene([[role, word('hi'), silence], good]);
    const client = new AbortController();
    const left = ask({}, client.signal);
    setTimeout(() => client.abort(), 5);
    expect(await left).toMatchObject({ failure: 'cancelled' });
    expect(endings).toEqual(['a/one cancelled']);
    expect(await ask()).toMatchObject({ texts });
    expect(calls).toHaveLength(2);
  });
});

/** Comes when it is told to; what is said before, at once. */
function gate(before: readonly ChatChunk[] = []): { readonly script: readonly ChatChunk[]; readonly open: () => void } {
  const state: { open: () => void } = { open: () => undefined };
  const opened = new Promise<void>((resolve) => (state.open = resolve));
  const steps = {
    *[Symbol.iterator]() {
      yield role;
      yield* before;
      yield opened.then(() => word('hi')) as unknown as ChatChunk;
      yield stop;
    },
  };
  return { script: steps as unknown as readonly ChatChunk[], open: () => state.open() };
}

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe('the same question at the same time', () => {
  test('is one call, told to each as its own', async () => {
    const { script, open } = gate();
    const { ask, calls, told, endings } = scene([script]);
    const asking = Array.from({ length: 50 }, (_, index) => ask({ stream: index % 2 === 0 }));
    await soon();
    open();
    const heard = await Promise.all(asking);
    expect(heard.map((one) => one.texts)).toEqual(heard.map(() => texts));
    expect(heard.map((one) => one.cache?.hit)).toEqual(heard.map((_, index) => index > 0));
    expect(calls).toEqual(['a/one']);
    expect(endings).toEqual(['a/one settled 2']);
    expect(told().filter(({ cache }) => cache === 'hit')).toHaveLength(49);
    expect(told().reduce((sum, { usage }) => sum + (usage?.output ?? 0), 0)).toBe(2);
  });

  test.each([0, 1])('number %i may leave without ending the others’', async (leaver) => {
    const { script, open } = gate([word('well,')]);
    const { ask, calls, told, endings } = scene([script]);
    const clients = [new AbortController(), new AbortController(), new AbortController()];
    const asking = clients.map(({ signal }) => ask({}, signal));
    await soon();
    clients[leaver]?.abort();
    await soon();
    expect(endings).toEqual([]);
    open();
    const heard = await Promise.all(asking);
    expect(heard.map(({ failure }) => failure)).toEqual(clients.map((_, index) => (index === leaver ? 'cancelled' : undefined)));
    expect(calls).toHaveLength(1);
    expect(endings).toEqual(['a/one settled 2']);
    // What was used is told once, whoever stayed.
    expect(told()).toHaveLength(3);
    expect(told().reduce((sum, { usage }) => sum + (usage?.output ?? 0), 0)).toBe(2);
  });

  test('that all have left is no longer asked', async () => {
    const { ask, endings, left, told } = scene([[role, word('hi'), silence]]);
    const clients = [new AbortController(), new AbortController()];
    const asking = clients.map(({ signal }) => ask({}, signal));
    await soon();
    for (const client of clients) client.abort();
    await Promise.all(asking);
    expect(endings).toEqual(['a/one cancelled']);
    expect(left).toEqual(['a/one']);
    expect(told().map(({ failure }) => failure)).toEqual(['cancelled', 'cancelled']);
  });

  test('that nobody reads on is no longer asked', async () => {
    const { ask, endings, told } = scene([[role, word('enough'), silence]]);
    const text = { last: 'enough', earlier: [], system: '' };
    await Promise.all([ask({ text }), ask({ text })]);
    expect(endings).toEqual(['a/one cancelled']);
    expect(told().map(({ failure }) => failure)).toEqual(['cancelled', 'cancelled']);
  });

  test('that came to nothing for the first is asked by the others themselves', async () => {
    const { ask, calls, told } = scene([{ kind: 'caller', message: 'no' }, good]);
    const heard = await Promise.all([ask(), ask(), ask()]);
    expect(heard.map(({ failure }) => failure)).toEqual(['caller', undefined, undefined]);
    expect(calls).toHaveLength(3);
    expect(told()).toHaveLength(3);
  });

  test('that breaks in the middle breaks for all who had a part of it', async () => {
    const { ask, calls, told } = scene([[role, word('half'), { kind: 'broken-answer', message: 'torn' }]]);
    const heard = await Promise.all([ask(), ask()]);
    expect(heard).toEqual([0, 1].map(() => ({ texts: [role.text, 'half'], failure: 'broken-answer' })));
    expect(calls).toHaveLength(1);
    expect(told().map(({ failure }) => failure)).toEqual(['broken-answer', 'broken-answer']);
  });

  test('is waited for no longer than each would wait', async () => {
    const { script, open } = gate();
    const { ask, clock } = scene([script]);
    const first = ask();
    const hasty = ask({ deadline: clock.now + 10 });
    expect(await hasty).toEqual({ texts: [], failure: 'silent' });
    open();
    expect(await first).toMatchObject({ texts });
  });
});
