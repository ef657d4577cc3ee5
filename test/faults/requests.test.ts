/** What becomes of requests: clients that leave, everybody resting, streams that go on elsewhere, and how long anyone waits. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AddressInfo, Socket } from 'node:net';
import { createHttp } from '../../src/providers/call.ts';
import type { Http } from '../../src/providers/call.ts';
import type { FaultRuleInput } from '../../src/sim/fault-table.ts';
import { startSimulators } from '../../src/sim/simulators.ts';
import type { Simulators } from '../../src/sim/simulators.ts';
import { openHouse } from './house.ts';
import type { House, HouseOptions } from './house.ts';

const state: { simulators: Simulators; http: Http; houses: House[] } = { simulators: undefined as never, http: undefined as never, houses: [] };
const question = { model: 'auto', messages: [{ role: 'user', content: 'Tell me a story' }], stream: true };

beforeAll(async () => {
  const endless = { rate_limit: { windows: [{ requests: 1_000_000, seconds: 60 }] }, models: 'together' as const };
  state.simulators = await startSimulators({ ports: 'each', pace: { firstMs: 0, tokenMs: 5 }, limits: { groq: endless, cerebras: endless } });
  state.http = createHttp({ now: Date.now, userAgent: 'tollfree/0.0.0' });
  // The first request of a process compiles what the others use.
  const house = await openHouse({ simulators: state.simulators, http: state.http });
  await (await house.chat(question)).text();
  await state.simulators.misbehave({ fault: { kind: 'silence' } });
  const client = new AbortController();
  const gone = house.chat(question, {}, client.signal).catch(() => undefined);
  await state.simulators.callsUntil({ outcome: 'open' });
  client.abort();
  await gone;
  await state.simulators.callsUntil({ outcome: 'left' });
  await state.simulators.behave();
  await house.close();
  state.simulators.clearCalls();
});
afterAll(async () => {
  await state.http.close();
  await state.simulators.close();
});
afterEach(async () => {
  await Promise.all(state.houses.splice(0).map((house) => house.close()));
  await state.simulators.behave();
  state.simulators.clearCalls();
});

async function open(options: Partial<HouseOptions> = {}): Promise<House> {
  const house = await openHouse({ simulators: state.simulators, http: state.http, ...options });
  state.houses.push(house);
  return house;
}

/** Until it holds; what never does fails the test by its timeout. */
async function eventually(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Of the event loop, in which client, gateway and upstream all live. It takes three; a hundred are a millisecond or two, and no more of them on a machine that is late. */
const TURNS = 100;

async function turnsUntil(check: () => boolean): Promise<number> {
  const passed = { turns: 0 };
  for (; !check(); passed.turns += 1) await nextTurn();
  return passed.turns;
}

const inFlight = ({ accounts }: House): number => accounts.view().flatMap(({ windows }) => windows).reduce((sum, { unit, used }) => sum + (unit === 'concurrent' ? used : 0), 0);
const attemptsOf = ({ events }: House): readonly string[] => events.flatMap((event) => (event.type === 'attempt-finished' ? [`${event.attempt.provider} ${event.attempt.outcome}`] : []));
const statusesOf = ({ events }: House): readonly number[] => events.flatMap((event) => (event.type === 'request-finished' ? [event.summary.status] : []));
const textOf = (stream: string): string =>
  stream.split('\n\n').flatMap((frame) => (frame.startsWith('data: {') ? [JSON.parse(frame.slice(6)) as { choices?: { delta?: { content?: string } }[] }] : [])).map(({ choices }) => choices?.[0]?.delta?.content ?? '').join('');

const answered = (body: object): FaultRuleInput => ({ provider: 'groq', fault: { kind: 'answer', status: 200, body: { choices: [{ index: 0, message: { role: 'assistant', content: 'Once upon a time' }, finish_reason: 'stop' }], ...body } } });

describe('usage nobody can believe', () => {
  test.each([
    [{ prompt_tokens: -500, completion_tokens: 9 }],
    [{ prompt_tokens: 1e300, completion_tokens: 9 }],
    [{ prompt_tokens: 20, completion_tokens: 1e300 }],
    [{ prompt_tokens: 20, completion_tokens: -7 }],
    [{ prompt_tokens: 20, completion_tokens: 'many', total_tokens: 1e12 }],
  ])('is not counted, and keeps nobody out: %j', async (reported) => {
    await state.simulators.misbehave(answered({ usage: reported }));
    const house = await open({ models: { groq: { limits: { windows: [{ unit: 'tokens', limit: 8_000, seconds: 60, kind: 'rolling' }] } } } });
    for (let count = 0; count < 3; count += 1) expect((await house.chat({ ...question, stream: false })).headers.get('x-tollfree-provider')).toBe('groq');
    const told = house.events.flatMap((event) => (event.type === 'request-finished' ? [event.summary.usage] : []));
    expect(told).toEqual(told.map(() => ({ input: expect.any(Number), output: expect.any(Number), estimated: true })));
    for (const usage of told) expect([usage?.input, usage?.output].filter((tokens = 0) => tokens > 0 && tokens < 100)).toHaveLength(2);
    const used = house.accounts.view().flatMap(({ windows }) => windows.filter(({ unit, limit }) => unit === 'tokens' && limit === 8_000).map((window) => window.used));
    expect(used[0]).toBeGreaterThan(0);
    expect(used[0]).toBeLessThan(8_000);
  });

  test('parts of a token are a token', async () => {
    await state.simulators.misbehave(answered({ usage: { prompt_tokens: 20.4, completion_tokens: 4.2 } }));
    const house = await open();
    await (await house.chat({ ...question, stream: false })).text();
    expect(house.events.flatMap((event) => (event.type === 'request-finished' ? [event.summary.usage] : []))).toEqual([{ input: 21, output: 5 }]);
  });
});

test('a limit of none, told beside an answer, keeps nobody out', async () => {
  const { fault } = answered({});
  await state.simulators.misbehave({ provider: 'groq', fault: { ...fault, headers: { 'x-ratelimit-limit-requests': '0', 'x-ratelimit-remaining-requests': '0' } } as FaultRuleInput['fault'] });
  const house = await open();
  for (let count = 0; count < 2; count += 1) expect((await house.chat({ ...question, stream: false })).headers.get('x-tollfree-provider')).toBe('groq');
});

describe('a client that leaves', () => {
  const leaveAt = { 'before headers': { kind: 'silence' }, 'after headers': { kind: 'silence', after: 'headers' }, 'mid-stream': { kind: 'silence', after: 3 }, 'under comments': { kind: 'comments', after: 1 } } as const;

  test.each(Object.entries(leaveAt).flatMap(([when, fault]) => [[when, true, fault] as const, [when, false, fault] as const]))('%s (stream: %s): upstream is left at once, settled, nobody else asked', async (_when, stream, fault) => {
    await state.simulators.misbehave({ fault });
    const house = await open();
    const client = new AbortController();
    const gone = house.chat({ ...question, stream }, {}, client.signal).then((answer) => answer.text()).catch(() => 'gone');
    await eventually(() => state.simulators.calls({ outcome: 'open' }).length === 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    client.abort();
    expect(await turnsUntil(() => state.simulators.calls({ outcome: 'left' }).length === 1)).toBeLessThan(TURNS);
    expect(await gone).toBe('gone');
    await eventually(() => statusesOf(house).length === 1);
    expect([inFlight(house), statusesOf(house), state.simulators.calls().length]).toEqual([0, [499], 1]);
    expect(house.accounts.view().flatMap(({ rests }) => rests)).toEqual([]);
  });

  test.each([true, false])('while connecting (stream: %s): settled at once, nothing is sent, nobody else asked', async (stream) => {
    // A handshake that nobody answers: TLS to someone who only listens.
    const sockets: Socket[] = [];
    const mute = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
    mute.listen(0, '127.0.0.1');
    await once(mute, 'listening');
    try {
      const house = await open({ baseUrls: { groq: `https://127.0.0.1:${(mute.address() as AddressInfo).port}/v1` } });
      const client = new AbortController();
      const gone = house.chat({ ...question, stream }, {}, client.signal).catch(() => 'gone');
      await eventually(() => sockets.length === 1);
      client.abort();
      expect(await turnsUntil(() => statusesOf(house).length === 1)).toBeLessThan(TURNS);
      expect([await gone, inFlight(house), statusesOf(house), attemptsOf(house)]).toEqual(['gone', 0, [499], ['groq cancelled']]);
      expect(state.simulators.calls()).toEqual([]);
      expect(house.accounts.view().flatMap(({ rests }) => rests)).toEqual([]);
    } finally {
      for (const socket of sockets) socket.destroy();
      mute.close();
    }
  });

  test('in the queue: its place is gone', async () => {
    await state.simulators.misbehave({ fault: { kind: 'silence' } });
    const house = await open({ models: { groq: { limits: { windows: [], concurrent: 1 } }, cerebras: { limits: { windows: [], concurrent: 1 } } }, callerMs: 10_000 });
    const clients = Array.from({ length: 3 }, () => new AbortController());
    const gone = clients.map(({ signal }) => house.chat(question, {}, signal).catch(() => 'gone'));
    await eventually(() => house.accounts.waiting() === 1);
    clients[2]?.abort();
    await eventually(() => house.accounts.waiting() === 0);
    clients.forEach((client) => client.abort());
    expect(await Promise.all(gone)).toEqual(['gone', 'gone', 'gone']);
    await eventually(() => inFlight(house) === 0);
  });
});

describe('everybody rests', () => {
  test('quota: 429 with the earliest true time, without asking anybody', async () => {
    await state.simulators.misbehave(...(['groq', 'cerebras'] as const).map((provider, index) => ({ provider, fault: { kind: 'answer', status: 429, headers: { 'retry-after': index === 0 ? '50' : '20' }, body: '' } as const })));
    const house = await open({ callerMs: 5_000 });
    expect((await house.chat(question)).status).toBe(429);
    state.simulators.clearCalls();
    const answer = await house.chat(question);
    expect([answer.status, state.simulators.calls()]).toEqual([429, []]);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(15);
    expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(20);
  });

  test('an outage: 503 and never the last one left out', async () => {
    await state.simulators.misbehave({ fault: { kind: 'answer', status: 500, body: '' } });
    const house = await open({ callerMs: 2_000 });
    for (let count = 0; count < 4; count++) expect((await house.chat(question)).status).toBe(503);
    expect(house.accounts.view().flatMap(({ rests }) => rests.map(({ scope }) => scope))).toEqual(['target', 'target']);
    await state.simulators.behave();
    expect(await (await house.chat(question)).text()).toContain('[DONE]');
    expect(house.accounts.view().flatMap(({ rests }) => rests).length).toBeLessThan(2);
  });

  test('an outage that uses up the minute is told as one; who comes then is told of the minute', async () => {
    await state.simulators.misbehave({ fault: { kind: 'answer', status: 500, body: '' } });
    const few = { limits: { windows: [{ unit: 'requests', limit: 2, seconds: 60, kind: 'rolling' }] } } as const;
    const house = await open({ models: { groq: few, cerebras: few } });
    const [first, second] = [await house.chat(question), await house.chat(question)];
    expect([first.status, await first.json()]).toEqual([503, { error: expect.objectContaining({ code: 'no_provider_available' }) as unknown }]);
    expect([second.status, await second.json()]).toEqual([429, { error: expect.objectContaining({ code: 'all_accounts_exhausted' }) as unknown }]);
  });

  test('the retry budget holds when all fail', async () => {
    await state.simulators.misbehave({ fault: { kind: 'answer', status: 500, body: '' } });
    const house = await open({ callerMs: 300 });
    const started = Date.now();
    const answers = await Promise.all(Array.from({ length: 60 }, () => house.chat({ ...question, stream: false })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    const seconds = (Date.now() - started) / 1000;
    expect(state.simulators.calls().length).toBeLessThanOrEqual(1.2 * 60 + 3 * seconds + 10);
  });
});

describe('who is asked again', () => {
  test('nobody: of many accounts that refuse, each was asked once, and only those that may answer otherwise', async () => {
    const accounts = { groq: ['one', 'two', 'three'], cerebras: ['one', 'two', 'three'] };
    const asked = (): readonly string[] => state.simulators.calls().map(({ provider, account }) => `${provider}-${account}`).toSorted();
    await state.simulators.misbehave({ fault: { kind: 'answer', status: 402, body: '' } });
    const house = await open({ accounts, callerMs: 5_000 });
    await (await house.chat({ ...question, stream: false })).text();
    expect(asked()).toEqual(['cerebras-one', 'cerebras-three', 'cerebras-two', 'groq-one', 'groq-three', 'groq-two']);
    state.simulators.clearCalls();
    await (await house.chat({ ...question, stream: false })).text();
    expect(asked()).toEqual([]);
  });

  test('mistakes of clients count for no breaker, neither against a model nor for it', async () => {
    const house = await open({ callerMs: 5_000 });
    const counts = (): readonly (readonly [string, number])[] => house.accounts.breakers().map(({ provider, consecutive }) => [provider, consecutive] as const);
    const outcomes = async (status: number, times: number): Promise<void> => {
      await state.simulators.behave();
      await state.simulators.misbehave({ provider: 'groq', fault: { kind: 'answer', status, body: { error: { message: 'messages: too odd', param: 'messages' } } } });
      for (let count = 0; count < times; count += 1) await (await house.chat({ ...question, stream: false })).text();
    };
    await outcomes(400, 8);
    expect([counts(), house.accounts.view().flatMap(({ rests }) => rests)]).toEqual([[], []]);
    await outcomes(500, 1);
    const failed = counts();
    // Of the model, and of the account for it.
    expect(failed).toEqual([['groq', 2], ['groq', 2]]);
    await outcomes(400, 3);
    expect(counts()).toEqual(failed);
  });
});

/** Two providers that say exactly the same, word by word but cut differently, and the first breaks off. */
const saying = (pieces: readonly string[], end: string): { readonly kind: 'answer'; readonly body: string; readonly headers: { readonly 'content-type': string } } => ({
  kind: 'answer',
  headers: { 'content-type': 'text/event-stream' },
  body: pieces.map((content) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`).join('') + end,
});
const ended = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';

describe('a stream that breaks', () => {
  const broken = { provider: 'groq', fault: { kind: 'reset', after: 12 } } as const;
  const reasonless = { reasoning_effort: 'none' };

  test('buffer: the break is invisible', async () => {
    await state.simulators.misbehave(broken);
    const house = await open({ rule: { onStreamBreak: 'buffer' } });
    const answer = await house.chat(question);
    expect([answer.headers.get('x-tollfree-provider'), (await answer.text()).endsWith('data: [DONE]\n\n')]).toEqual(['cerebras', true]);
  });

  test('a request may choose for itself, whatever its rule says', async () => {
    await state.simulators.misbehave(broken);
    const buffers = await open();
    const whole = await (await buffers.chat(question, { 'x-tollfree-on-stream-break': 'buffer' })).text();
    expect([whole.includes('"error"'), whole.endsWith('data: [DONE]\n\n')]).toEqual([false, true]);
    const buffered = await open({ rule: { onStreamBreak: 'buffer' } });
    const cut = await (await buffered.chat(question, { 'x-tollfree-on-stream-break': 'error' })).text();
    expect([cut.includes('"error"'), cut.includes('[DONE]')]).toEqual([true, false]);
    const refused = await buffered.chat(question, { 'x-tollfree-on-stream-break': 'splice' });
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('must be one of error, resume, buffer')]);
    await state.simulators.behave();
    await state.simulators.misbehave({ provider: 'groq', fault: saying(['Once ', 'upon a '], '') }, { provider: 'cerebras', fault: saying(['Once upon a time', ' there was'], ended) });
    const resumes = await open();
    expect(textOf(await (await resumes.chat(question, { 'x-tollfree-on-stream-break': 'resume' })).text())).toBe('Once upon a time there was');
  });

  test('buffer: a whole answer has the time of one', async () => {
    await state.simulators.misbehave({ provider: 'groq', fault: { kind: 'framing', bytes: 2_000, ms: 40 } });
    const house = await open({ rule: { onStreamBreak: 'buffer' }, policy: { firstContentMs: 100 }, callerMs: 100 });
    const answer = await house.chat(question);
    expect([answer.headers.get('x-tollfree-provider'), (await answer.text()).endsWith('data: [DONE]\n\n'), attemptsOf(house)]).toEqual(['groq', true, ['groq ok']]);
  });

  test('resume: another provider of the model goes on where it says the same', async () => {
    await state.simulators.misbehave({ provider: 'groq', fault: saying(['Once ', 'upon a '], '') }, { provider: 'cerebras', fault: saying(['On', 'ce upo', 'n a time', ' there was'], ended) });
    const house = await open({ rule: { onStreamBreak: 'resume' } });
    const text = await (await house.chat(question)).text();
    expect([textOf(text), text.endsWith('data: [DONE]\n\n')]).toEqual(['Once upon a time there was', true]);
    expect([attemptsOf(house), statusesOf(house), inFlight(house)]).toEqual([['groq broken-answer', 'cerebras ok'], [200], 0]);
  });

  test.each([['says something else', ['Once ', 'in a time']], ['ends sooner', ['Once ']]])('resume: never spliced with one that %s', async (_how, pieces) => {
    await state.simulators.misbehave({ provider: 'groq', fault: saying(['Once ', 'upon a '], '') }, { provider: 'cerebras', fault: saying(pieces, ended) });
    const house = await open({ rule: { onStreamBreak: 'resume' } });
    const text = await (await house.chat(question)).text();
    expect([textOf(text), text.includes('[DONE]'), text.includes('"error"')]).toEqual(['Once upon a ', false, true]);
    expect([statusesOf(house), inFlight(house)]).toEqual([[502], 0]);
  });

  test('resume: a piece that only tells the usage, without a choice, is no word', async () => {
    const usage = { prompt_tokens: 3, completion_tokens: 4 };
    const told = `data: ${JSON.stringify({ usage })}\n\n`;
    await state.simulators.misbehave({ provider: 'groq', fault: saying(['Once ', 'upon a '], '') }, { provider: 'cerebras', fault: saying(['Once '], `${told}${saying(['upon a time'], ended).body}`) });
    const house = await open({ rule: { onStreamBreak: 'resume' } });
    const text = await (await house.chat(question)).text();
    expect([textOf(text), text.endsWith('data: [DONE]\n\n')]).toEqual(['Once upon a time', true]);
  });

  test('resume: a client that leaves while another is asked has left, and nothing else', async () => {
    await state.simulators.misbehave({ provider: 'groq', fault: saying(['Once ', 'upon a '], '') }, { provider: 'cerebras', fault: { kind: 'silence' } });
    const house = await open({ rule: { onStreamBreak: 'resume' } });
    const client = new AbortController();
    const gone = house.chat(question, {}, client.signal).then((answer) => answer.text()).catch(() => 'gone');
    await eventually(() => state.simulators.calls({ provider: 'cerebras', outcome: 'open' }).length === 1);
    client.abort();
    await gone;
    expect(await state.simulators.callsUntil({ outcome: 'left' })).toHaveLength(1);
    await eventually(() => statusesOf(house).length === 1 && inFlight(house) === 0);
    expect([statusesOf(house), attemptsOf(house)]).toEqual([[499], ['groq broken-answer', 'cerebras cancelled']]);
  });

  test('resume: only the same model', async () => {
    await state.simulators.misbehave(broken);
    const house = await open({ rule: { onStreamBreak: 'resume' }, models: { cerebras: { aliases: ['another'] } } });
    const text = await (await house.chat({ ...question, ...reasonless })).text();
    expect([text.includes('[DONE]'), state.simulators.calls({ provider: 'cerebras' })]).toEqual([false, []]);
  });
});

describe('hedging', () => {
  const slow = { provider: 'groq', fault: { kind: 'silence', after: 'headers' } } as const;

  test('a late stream gets a rival; the first to speak answers, the other is left and nobody blamed', async () => {
    await state.simulators.misbehave(slow);
    const house = await open({ policy: { hedgeMs: 50 } });
    const answer = await house.chat(question);
    expect((await answer.text()).endsWith('data: [DONE]\n\n')).toBe(true);
    expect([answer.headers.get('x-tollfree-provider'), answer.headers.get('x-tollfree-attempts')]).toEqual(['cerebras', '2']);
    expect([attemptsOf(house), statusesOf(house), inFlight(house)]).toEqual([['groq cancelled', 'cerebras ok'], [200], 0]);
    expect((await state.simulators.callsUntil({ outcome: 'left' })).map(({ provider }) => provider)).toEqual(['groq']);
    expect(house.accounts.view().flatMap(({ rests }) => rests)).toEqual([]);
  });

  test('the first is left alone where it is in time, and wins where the rival is slower', async () => {
    const quick = await open({ policy: { hedgeMs: 2_000 } });
    expect((await quick.chat(question)).headers.get('x-tollfree-provider')).toBe('groq');
    state.simulators.clearCalls();
    await state.simulators.misbehave({ provider: 'groq', fault: { kind: 'slow', ms: 700 } }, { provider: 'cerebras', fault: { kind: 'silence' } });
    const house = await open({ policy: { hedgeMs: 50 } });
    const answer = await house.chat(question);
    expect([answer.headers.get('x-tollfree-provider'), (await answer.text()).includes('[DONE]')]).toEqual(['groq', true]);
    expect([attemptsOf(house), statusesOf(house), inFlight(house)]).toEqual([['cerebras cancelled', 'groq ok'], [200], 0]);
  });

  test('both fail: the loop goes on as ever', async () => {
    await state.simulators.misbehave({ fault: { kind: 'silence' } });
    const house = await open({ policy: { hedgeMs: 50, firstContentMs: 200 }, callerMs: 500 });
    expect((await house.chat(question)).status).toBe(503);
    expect([inFlight(house), statusesOf(house)]).toEqual([0, [503]]);
  });

  test('never where the quota is half used', async () => {
    await state.simulators.misbehave({ provider: 'groq', fault: { kind: 'slow', ms: 200 } });
    const house = await open({ policy: { hedgeMs: 50 }, models: { cerebras: { limits: { windows: [{ unit: 'requests', limit: 3, seconds: 3_600, kind: 'rolling' }] } } } });
    for (let count = 0; count < 2; count++) await (await house.chat({ ...question, model: 'cerebras/gpt-oss-120b' })).text();
    state.simulators.clearCalls();
    expect((await house.chat(question)).headers.get('x-tollfree-provider')).toBe('groq');
    expect(state.simulators.calls({ provider: 'cerebras' })).toEqual([]);
  });

  test('a client that leaves in the middle of the race stops both', async () => {
    await state.simulators.misbehave({ fault: { kind: 'silence' } });
    const house = await open({ policy: { hedgeMs: 20 } });
    const client = new AbortController();
    const gone = house.chat(question, {}, client.signal).catch(() => 'gone');
    await eventually(() => state.simulators.calls({ outcome: 'open' }).length === 2);
    client.abort();
    await gone;
    expect(await state.simulators.callsUntil({ outcome: 'left' }, 2)).toHaveLength(2);
    await eventually(() => statusesOf(house).length === 1 && inFlight(house) === 0);
    expect(statusesOf(house)).toEqual([499]);
  });
});

describe('waiting', () => {
  test('who asked to wait longer than usual is kept connected, and fallback goes on', async () => {
    await state.simulators.misbehave({ provider: 'groq', fault: { kind: 'silence' } });
    const house = await open({ callerMs: 100, heartbeatMs: 40, providers: { groq: { deadlines: { firstContentMs: 400 } } } });
    const text = await (await house.chat(question, { 'x-tollfree-deadline-ms': '20000' })).text();
    expect(text).toMatch(/^(: keep-alive\n\n)+data: /);
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(attemptsOf(house)).toEqual(['groq silent', 'cerebras ok']);
  });

  test('in line, too, until its turn comes', async () => {
    await state.simulators.misbehave({ fault: { kind: 'silence' } });
    const alone = { limits: { windows: [], concurrent: 1 } };
    const house = await open({ models: { groq: alone, cerebras: alone }, callerMs: 100, heartbeatMs: 40, policy: { firstContentMs: 20_000 } });
    const ahead = Array.from({ length: 2 }, () => new AbortController());
    const gone = ahead.map(({ signal }) => house.chat(question, { 'x-tollfree-deadline-ms': '20000' }, signal).then((answer) => answer.text()).catch(() => 'gone'));
    await eventually(() => inFlight(house) === 2);
    const answer = await house.chat(question, { 'x-tollfree-deadline-ms': '20000' });
    // Nobody has been asked on its behalf by the time it hears the first comment.
    expect([answer.status, house.accounts.waiting()]).toEqual([200, 1]);
    await state.simulators.behave();
    ahead[0]?.abort();
    const text = await answer.text();
    expect(text).toMatch(/^(: keep-alive\n\n)+data: /);
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    ahead[1]?.abort();
    expect(await Promise.all(gone)).toEqual(['gone', 'gone']);
    await eventually(() => inFlight(house) === 0);
  });

  test('and is told a failure as an event', async () => {
    await state.simulators.misbehave({ fault: { kind: 'silence' } });
    const house = await open({ callerMs: 100, heartbeatMs: 40, policy: { firstContentMs: 300 } });
    const answer = await house.chat(question, { 'x-tollfree-deadline-ms': '500' });
    const text = await answer.text();
    expect([answer.status, text.includes('[DONE]')]).toEqual([200, false]);
    expect(text).toMatch(/^(: keep-alive\n\n)+data: \{"error":/);
  });

  test('everybody else gets a true status, however long the silence', async () => {
    await state.simulators.misbehave({ fault: { kind: 'silence' } });
    const house = await open({ callerMs: 300, heartbeatMs: 20, policy: { firstContentMs: 200 } });
    expect((await house.chat(question)).status).toBe(503);
  });

  test('an answer that pauses is kept alive after the commit point', async () => {
    await state.simulators.misbehave({ fault: { kind: 'comments', after: 2, ms: 20 } });
    const house = await open({ heartbeatMs: 40, policy: { firstContentMs: 20_000, totalMs: 400 } });
    const text = await (await house.chat(question)).text();
    expect(text).toMatch(/data: .*: keep-alive\n\n.*data: \{"error":/s);
  });

  test.each([true, false])('the caller’s own deadline holds, whatever the others are (stream: %s), and nobody is asked in vain', async (stream) => {
    await state.simulators.misbehave({ fault: { kind: 'silence' } });
    const house = await open();
    const started = performance.now();
    expect((await house.chat({ ...question, stream }, { 'x-tollfree-deadline-ms': '200' })).status).toBe(503);
    // The next deadline is that of the first content, five seconds.
    expect(performance.now() - started).toBeLessThan(4_000);
    expect([state.simulators.calls().length, attemptsOf(house)]).toEqual([1, ['groq silent']]);
  });

  test.each([
    ['the provider’s', { providers: { groq: { deadlines: { firstContentMs: 100 } } } }],
    ['the model’s before the provider’s', { providers: { groq: { deadlines: { firstContentMs: 3_000 } } }, models: { groq: { firstContentMs: 100 } } }],
    ['the rule’s before both', { providers: { groq: { deadlines: { firstContentMs: 3_000 } } }, models: { groq: { firstContentMs: 4_000 } }, rule: { deadlines: { firstContentMs: 100 } } }],
  ])('a silent one is left at the deadline that is nearest to it: %s', async (_whose, options) => {
    await state.simulators.misbehave({ provider: 'groq', fault: { kind: 'silence' } });
    const house = await open(options);
    expect((await house.chat(question)).headers.get('x-tollfree-provider')).toBe('cerebras');
    const words = house.events.flatMap((event) => (event.type === 'attempt-finished' ? [event.attempt.message ?? ''] : []));
    expect(words[0]).toBe('no content within 100 ms');
  });

  test('an event that drips is left when its time is over, however long the other deadlines are', async () => {
    await state.simulators.misbehave({ provider: 'groq', fault: { kind: 'framing', bytes: 1, ms: 5 } });
    const house = await open({ eventMs: 200 });
    const answer = await house.chat(question);
    expect([answer.headers.get('x-tollfree-provider'), (await answer.text()).endsWith('data: [DONE]\n\n')]).toEqual(['cerebras', true]);
    expect(attemptsOf(house)).toEqual(['groq silent', 'cerebras ok']);
    const words = house.events.flatMap((event) => (event.type === 'attempt-finished' ? [event.attempt.message ?? ''] : []));
    expect(words[0]).toMatch(/did not finish one event within 0\.2 s/);
  });

  test('reasoning reaches the client as it comes', async () => {
    await state.simulators.misbehave({ fault: { kind: 'silence', after: 1 } });
    const house = await open();
    const answer = await house.chat(question);
    const reader = answer.body?.getReader();
    const first = await reader?.read();
    expect(Buffer.from((first?.value ?? []) as Uint8Array).toString()).toContain('data: ');
    await reader?.cancel();
  });
});

test.each<[string, object, Record<string, string>]>([
  ['a header', {}, { 'x-tollfree-max-context-tokens': '300' }],
  ['the body', { max_context_tokens: 300 }, {}],
  ['a header, which goes before the body', { max_context_tokens: 100_000 }, { 'x-tollfree-max-context-tokens': '300' }],
])('a context that is trimmed on request fits, and the client is told: by %s', async (_, field, header) => {
  const house = await open();
  const long = Array.from({ length: 20 }, (_, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', content: 'word '.repeat(50) }));
  const answer = await house.chat({ ...question, messages: [{ role: 'system', content: 'be brief' }, ...long, { role: 'user', content: 'and now?' }], ...field }, header);
  await answer.text();
  expect(Number(answer.headers.get('x-tollfree-context-tokens'))).toBeLessThanOrEqual(300);
  const [sent] = state.simulators.calls();
  const { messages, ...rest } = (sent ?? { body: undefined }).body as { messages: { role: string; content: string }[] };
  expect([messages[0]?.role, messages.at(-1)?.content, messages.length < 22]).toEqual(['system', 'and now?', true]);
  expect(Object.keys(rest)).not.toContain('max_context_tokens');
  expect((await house.chat({ ...question, max_context_tokens: 'many' })).status).toBe(400);
  expect((await house.chat(question, { 'x-tollfree-max-context-tokens': 'many' })).status).toBe(400);
});

test('tools, pictures and long contexts go only where they work', async () => {
  const house = await open({ models: { groq: { capabilities: ['text_generation'] }, cerebras: { capabilities: ['text_generation', 'tools'] } } });
  const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }];
  expect((await house.chat({ ...question, tools })).headers.get('x-tollfree-provider')).toBe('cerebras');
  const sighted = await open({ models: { cerebras: { capabilities: ['text_generation', 'vision'] } } });
  const picture = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }];
  expect((await sighted.chat({ ...question, messages: [{ role: 'user', content: picture }] })).headers.get('x-tollfree-provider')).toBe('cerebras');
  const small = await open({ models: { groq: { context: 100 } } });
  expect((await small.chat({ ...question, messages: [{ role: 'user', content: 'word '.repeat(400) }] })).headers.get('x-tollfree-provider')).toBe('cerebras');
  const nowhere = await house.chat({ ...question, response_format: { type: 'json_schema', json_schema: { name: 'x', schema: {} } } });
  expect(nowhere.status).toBe(400);
});
