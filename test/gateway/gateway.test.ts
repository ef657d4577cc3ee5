import { describe, expect, test } from '@jest/globals';
import { FailureError, failureOf } from '../../src/failure.ts';
import type { Failure, UpstreamFailure } from '../../src/failure.ts';
import { answer } from '../../src/gateway.ts';
import type { ChatChunk, ChatRequest, Send, Written } from '../../src/types.ts';
import { model, provider, request, role, rule, silence, stage, stop, word } from './literals.ts';
import type { Stage, StageOptions } from './literals.ts';

const good = [role, word('hi'), stop];
const never = new AbortController().signal;
const failing = (kind: Exclude<UpstreamFailure['kind'], 'silent' | 'caller' | 'cancelled'>, more: object = {}): UpstreamFailure => ({ kind, message: kind, ...more });

const mustBeTellable = (chunks: readonly ChatChunk[]): void => {
  if (chunks.some(({ text }) => text === 'unspeakable')) throw new FailureError(failing('broken-answer'));
};

/** Runs one request to its end. */
async function run(options: StageOptions, asked: Partial<ChatRequest> = {}): Promise<Stage & { readonly texts: readonly string[]; readonly failure?: Failure }> {
  const staged = stage(options);
  const texts: string[] = [];
  try {
    const certain = await answer(staged.gateway, request(asked), never);
    for await (const chunk of certain.chunks) texts.push(chunk.text);
    return { ...staged, texts };
  } catch (error) {
    return { ...staged, texts, failure: failureOf(error) };
  }
}

describe('before the commit point', () => {
  test('everything a client sees comes from the one that answered', async () => {
    const { texts, calls, endings } = await run({ scripts: { 'a/one': [[role, failing('broken-answer')]], 'b/one': [good] } });
    expect(texts).toEqual(good.map(({ text }) => text));
    expect(calls).toEqual(['a/one', 'b/one']);
    expect(endings).toEqual(['a/one failed broken-answer', 'b/one settled 2']);
  });

  test.each(['rate-minute', 'rate-day', 'balance', 'credential', 'model-access', 'model-gone', 'broken-answer'] as const)('%s goes to the next provider', async (kind) => {
    const { texts, calls } = await run({ scripts: { 'a/one': [failing(kind, { scope: 'provider' })], 'b/one': [good] } });
    expect(texts).toHaveLength(3);
    expect(calls.at(-1)).toBe('b/one');
  });

  test('whoever’s whole answer cannot be told is left for the next, and nothing of it is told', async () => {
    const { texts, calls, endings } = await run({ scripts: { 'a/one': [[role, word('unspeakable'), stop]], 'b/one': [good] } }, { stream: false, mustBeTellable });
    expect(texts).toEqual(good.map(({ text }) => text));
    expect(calls).toEqual(['a/one', 'b/one']);
    expect(endings).toEqual(['a/one failed broken-answer', 'b/one settled 2']);
  });

  test('an overloaded model gets one more try, then the next', async () => {
    const { calls, texts } = await run({ scripts: { 'a/one': [failing('overloaded')], 'b/one': [good] } });
    expect(calls).toEqual(['a/one', 'a/one', 'b/one']);
    expect(texts).toHaveLength(3);
  });

  test('a provider that cannot be reached is left at once', async () => {
    const { calls } = await run({ scripts: { 'a/one': [failing('overloaded', { scope: 'provider' })], 'b/one': [good] } });
    expect(calls).toEqual(['a/one', 'b/one']);
  });

  test('a silent one is left at its deadline, and its connection closed', async () => {
    const { calls, endings, left, texts } = await run({ scripts: { 'a/one': [[role, silence]], 'b/one': [good] } });
    expect(calls).toEqual(['a/one', 'b/one']);
    expect(endings[0]).toBe('a/one failed silent');
    expect(left).toEqual(['a/one']);
    expect(texts).toHaveLength(3);
  });

  test.each([
    ['here', <T>(told: T): T => told],
    ['in another process', <T>(told: T): Promise<T> => Promise.resolve(told)],
  ])('a silent one that nobody else could stand in for is left as soon as somebody can, where windows are kept %s', async (_where, tell) => {
    const { gateway, calls } = stage({ scripts: { 'a/one': [[silence]], 'b/one': [good] } });
    const looks: number[] = [];
    const outlook: typeof gateway.accounts.outlook = (...asked) => {
      looks.push(gateway.now());
      const inMs = [10_000, 20][looks.length - 1] ?? 0;
      const known = gateway.accounts.outlook(...asked);
      return known instanceof Promise ? known : tell(known.map((one) => ({ ...one, freeAt: gateway.now() + inMs })));
    };
    await answer({ ...gateway, accounts: { ...gateway.accounts, outlook } }, request(), never);
    expect(looks).toHaveLength(2);
    expect(calls).toEqual(['a/one', 'b/one']);
  });

  test.each([
    ['a stream', { stream: true }, 25],
    ['a JSON answer whose caller did not say', { stream: false }, 0],
    ['a JSON answer whose caller did', { stream: false, deadlineNamed: true as const }, 25],
  ])('%s waits for a turn only while its answer could still begin in time', async (_name, asked, needed) => {
    const { gateway } = stage({ scripts: { 'a/one': [good], 'b/one': [good] } });
    for (const [name, takes] of [['a', 50], ['b', 20], ['b', 30]] as const) gateway.firstContent.noted({ provider: provider(name, []), model: model('m') }, takes);
    const turns: (number | undefined)[] = [];
    const acquire: typeof gateway.accounts.acquire = (demand) => {
      turns.push(demand.lastTurnAt?.());
      return gateway.accounts.acquire(demand);
    };
    const one = request(asked);
    await answer({ ...gateway, accounts: { ...gateway.accounts, acquire } }, one, never);
    expect(turns).toEqual([one.deadline - needed]);
  });

  test('the last candidate is given what is left of the caller’s deadline', async () => {
    const started = performance.now();
    const { failure } = await run({ accounts: { a: ['one'] }, scripts: { 'a/one': [[silence]] } }, { deadline: started + 120 });
    expect(performance.now() - started).toBeGreaterThan(90);
    expect(failure?.kind).toBe('unavailable');
  });

  test('what the client did wrong is told, and nobody else is asked', async () => {
    const { calls, failure, endings } = await run({ scripts: { 'a/one': [{ kind: 'caller', message: 'no such parameter', param: 'top_k' }], 'b/one': [good] } });
    expect(calls).toEqual(['a/one']);
    expect(failure).toMatchObject({ kind: 'caller', param: 'top_k' });
    expect(endings).toEqual(['a/one failed caller']);
  });

  test('what only this model cannot do goes elsewhere', async () => {
    const { calls } = await run({ scripts: { 'a/one': [{ kind: 'caller', message: 'no tools', capability: true }], 'b/one': [good] } });
    expect(calls).toEqual(['a/one', 'b/one']);
  });

  test.each([['stop', ['a/one']], ['fallback', ['a/one', 'b/one']]] as const)('a content filter: %s', async (onPolicyRefusal, expected) => {
    const { calls } = await run({ rules: [rule({ onPolicyRefusal })], scripts: { 'a/one': [failing('policy')], 'b/one': [good] } });
    expect(calls).toEqual(expected);
  });

  test('too long for one goes only where there is more room', async () => {
    const providers = [provider('a', [model('m', { context: 8_000 })]), provider('b', [model('m', { context: 8_000 })]), provider('c', [model('m', { context: 128_000 })])];
    const { calls } = await run({ providers, rules: [rule({ preferences: ['a', 'b', 'c'] })], accounts: { a: ['one'], b: ['one'], c: ['one'] }, scripts: { 'a/one': [failing('too-long')], 'b/one': [good], 'c/one': [good] } });
    expect(calls).toEqual(['a/one', 'c/one']);
  });

  test('a pool that refuses for its rate twice is not asked a third time', async () => {
    const { calls, failure } = await run({ accounts: { a: ['one'] }, scripts: { 'a/one': [failing('rate-minute', { retryAt: 5_000 })] } });
    expect(calls).toHaveLength(2);
    expect(failure).toMatchObject({ kind: 'exhausted', retryAt: 5_000 });
  });

  test('all have failed: one failure with every attempt in it', async () => {
    const { failure } = await run({ scripts: { 'a/one': [failing('broken-answer')], 'b/one': [failing('model-gone')] } });
    expect(failure).toMatchObject({ kind: 'unavailable', attempts: [{ provider: 'a', outcome: 'broken-answer' }, { provider: 'b', outcome: 'model-gone' }] });
  });
});

describe('after the commit point', () => {
  test('the question is no longer held in its client’s own words, before it is for whoever is asked next', async () => {
    const written: Written = { text: 'as it came', body: {} };
    const staged = stage({ scripts: { 'a/one': [failing('model-gone')], 'b/one': [good] } });
    const heard: (string | undefined)[] = [];
    const send: Send = (outgoing, signal) => {
      heard.push(outgoing.request.written?.text);
      return staged.gateway.send(outgoing, signal);
    };
    await answer({ ...staged.gateway, send }, request({ written }), never);
    expect([heard, written.text]).toEqual([['as it came', 'as it came'], undefined]);
  });

  test('nothing is retried: the break is told, and charged', async () => {
    const { texts, calls, failure, endings } = await run({ scripts: { 'a/one': [[role, word('hi'), failing('broken-answer')]], 'b/one': [good] } });
    expect(texts).toEqual(['{"role":1}', 'hi']);
    expect(calls).toEqual(['a/one']);
    expect(failure?.kind).toBe('broken-answer');
    expect(endings).toEqual(['a/one failed broken-answer']);
  });

  test('buffered, a break is invisible', async () => {
    const { texts, calls } = await run({ rules: [rule({ onStreamBreak: 'buffer' })], scripts: { 'a/one': [[role, word('hi'), failing('broken-answer')]], 'b/one': [good] } });
    expect(texts).toEqual(good.map(({ text }) => text));
    expect(calls).toEqual(['a/one', 'b/one']);
  });

  test('a JSON answer commits at its last byte', async () => {
    const { texts, calls } = await run({ scripts: { 'a/one': [[word('half'), failing('broken-answer')]], 'b/one': [good] } }, { stream: false });
    expect(texts).toEqual(good.map(({ text }) => text));
    expect(calls).toEqual(['a/one', 'b/one']);
  });
});

describe('a client that leaves', () => {
  test.each([['before the first content', [role, silence]], ['in the middle of the stream', [word('hi'), silence]]])('%s: upstream is closed, nobody is blamed, nothing goes on', async (_when, script) => {
    const staged = stage({ scripts: { 'a/one': [script], 'b/one': [good] } });
    const client = new AbortController();
    const gone = (async () => {
      const certain = await answer(staged.gateway, request({ deadline: performance.now() + 30_000 }), client.signal);
      for await (const { text } of certain.chunks) if (text === 'hi') client.abort();
    })();
    setImmediate(() => client.abort());
    await expect(gone).rejects.toMatchObject({ failure: { kind: 'cancelled' } });
    expect(staged.calls).toEqual(['a/one']);
    expect(staged.left).toEqual(['a/one']);
    expect(staged.endings).toEqual(['a/one cancelled']);
  });

  test('who reads no further, without a word, ends upstream and closes the books', async () => {
    const staged = stage({ scripts: { 'a/one': [[word('hi'), word('you'), silence]] } });
    const certain = await answer(staged.gateway, request(), never);
    for await (const { text } of certain.chunks) if (text === 'you') break;
    expect(staged.endings).toEqual(['a/one cancelled']);
    await new Promise((resolve) => setImmediate(resolve));
    expect(staged.left).toEqual(['a/one']);
  });

  test('leaving between the commit point and the first read still closes the books', async () => {
    const staged = stage({ scripts: { 'a/one': [[word('hi'), silence]] } });
    const client = new AbortController();
    await answer(staged.gateway, request(), client.signal);
    client.abort();
    expect(staged.endings).toEqual(['a/one cancelled']);
  });
});

describe('the story', () => {
  test('every request is told once, with its attempts, its rule and its usage', async () => {
    const { events } = await run({ scripts: { 'a/one': [failing('rate-minute', { scope: 'provider' })], 'b/one': [good] } });
    const finished = events.filter((event) => event.type === 'request-finished');
    expect(finished).toHaveLength(1);
    expect(finished[0]?.summary).toMatchObject({ status: 200, rule: 'general', provider: 'b', usage: { input: 10, output: 2 } });
    expect(finished[0]?.summary.attempts.map(({ outcome }) => outcome).at(-1)).toBe('ok');
    expect(events.filter((event) => event.type === 'attempt-finished').map(({ attempt }) => attempt.outcome).at(0)).toBe('rate-minute');
  });

  test('a failed one too', async () => {
    const { events } = await run({ scripts: { 'a/one': [{ kind: 'caller', message: 'x' }] } });
    expect(events.filter((event) => event.type === 'request-finished').map(({ summary }) => [summary.status, summary.failure])).toEqual([[400, 'caller']]);
  });
});
