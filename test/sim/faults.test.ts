/** Each fault as it looks on a bare socket. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultSchema } from '../../src/sim/fault-table.ts';
import type { FaultRuleInput } from '../../src/sim/fault-table.ts';
import type { ProviderName } from '../../src/sim/types.ts';
import { PROVIDER_NAMES } from '../../src/sim/types.ts';
import { ask, eventsOf, rawAsk, withSimulators } from './support.ts';
import type { RawAnswer } from './support.ts';

type FaultInput = FaultRuleInput['fault'];

interface Look {
  readonly fault: FaultInput;
  readonly stream?: boolean;
  readonly provider?: ProviderName;
  readonly enough?: number;
  readonly first?: string;
  readonly quietMs?: number;
}

/** Silence is told from slowness by time alone, once there is what comes before it. */
const QUIET_MS = 300;

/** What a client sees of a fault. Unlimited, so that a fault is never hidden by a 429. */
const look = ({ fault, stream = true, provider = 'groq', enough, first, quietMs }: Look): Promise<RawAnswer> =>
  withSimulators({ limits: { [provider]: { rate_limit: {} } } }, async (simulators) => {
    await simulators.misbehave({ fault });
    return rawAsk(simulators, { provider, body: { stream }, ...(enough !== undefined && { enough }), ...(first !== undefined && { first }), ...(quietMs !== undefined && { quietMs }) });
  });

const contents = (text: string): number => (text.match(/"delta":\{[^}]*?(?:"content":"[^"]|"reasoning":")/g) ?? []).length;

/** The body of an answer with a stated length, or its chunks joined. */
const body = (text: string): string => {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const raw = rest.join('\r\n\r\n');
  return /transfer-encoding: chunked/i.test(head) ? raw.replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n/g, '') : raw;
};

/** How far the stated length is from the real one. */
const stated = ({ text }: RawAnswer): number => Number(/content-length: (\d+)/i.exec(text)?.[1]) - Buffer.byteLength(text.split('\r\n\r\n')[1] ?? '');

/** Which of finish, [DONE] and usage a stream without `parts` still has. */
const remains = async (parts: ('finish' | 'done' | 'usage')[]): Promise<boolean[]> => {
  const { text } = await look({ fault: { kind: 'leave-out', parts } });
  return [text.includes('"finish_reason":"stop"'), text.includes('[DONE]'), text.includes('"usage"')];
};

/** What the events between the first and the ending say, whatever the framing. */
const deltas = (text: string): unknown[] => eventsOf(text.replace(/^\uFEFF/, '').replaceAll(/\r\n?/g, '\n')).slice(1, -2).map((event) => (event as { choices: unknown }).choices);

const covered = new Set<string>();
const seen = (kind: FaultInput['kind'], name: string, run: () => Promise<void>): void => {
  covered.add(kind);
  test(`${kind}: ${name}`, run);
};

describe('the connection', () => {
  seen('refused', 'nobody listens for one provider, the others go on, and it comes back', () =>
    withSimulators({ ports: 'each' }, async (simulators) => {
      const undo = await simulators.misbehave({ provider: 'groq', fault: { kind: 'refused' } });
      expect((await rawAsk(simulators, { provider: 'groq' })).ended).toBe('refused');
      expect((await rawAsk(simulators, { provider: 'cerebras' })).text).toMatch(/^HTTP\/1\.1 200/);
      await undo();
      expect((await rawAsk(simulators, { provider: 'groq' })).text).toMatch(/^HTTP\/1\.1 200/);
    }));

  seen('reset', 'before any byte', async () => expect(await look({ fault: { kind: 'reset' } })).toMatchObject({ ended: 'reset', bytes: 0 }));
  seen('reset', 'after two events', async () => {
    const { text, ended } = await look({ fault: { kind: 'reset', after: 2 } });
    expect([ended, contents(text)]).toEqual(['reset', 2]);
  });
  seen('close', 'before any byte', async () => expect(await look({ fault: { kind: 'close' } })).toMatchObject({ ended: 'end', bytes: 0 }));
  seen('close', 'mid-stream, without the last chunk of HTTP', async () => {
    const { text, ended } = await look({ fault: { kind: 'close', after: 3 } });
    expect([ended, contents(text), text.endsWith('0\r\n\r\n')]).toEqual(['end', 3, false]);
  });
  seen('close', 'in the middle of a JSON body', async () => {
    const { text } = await look({ fault: { kind: 'close', after: 1 }, stream: false });
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
    expect(Buffer.byteLength(body(text))).toBe(Math.floor(length / 2));
  });
  seen('silence', 'before headers', async () => expect(await look({ fault: { kind: 'silence' }, quietMs: QUIET_MS })).toMatchObject({ ended: 'quiet', bytes: 0 }));
  seen('silence', 'after headers', async () => {
    const { text, ended } = await look({ fault: { kind: 'silence', after: 'headers' }, first: '\r\n\r\n', quietMs: QUIET_MS });
    expect([ended, body(text)]).toEqual(['quiet', '']);
    expect(text).toMatch(/^HTTP\/1\.1 200/);
  });
  seen('silence', 'after the role, and after one event', async () => {
    const [role, one] = await Promise.all([look({ fault: { kind: 'silence', after: 0 }, first: '"role"', quietMs: QUIET_MS }), look({ fault: { kind: 'silence', after: 1 }, first: '"reasoning"', quietMs: QUIET_MS })]);
    expect([role.ended, contents(role.text), eventsOf(role.text).length]).toEqual(['quiet', 0, 1]);
    expect([one.ended, contents(one.text)]).toEqual(['quiet', 1]);
  });
  seen('slow', 'the good answer later', () => withSimulators({}, async (simulators) => {
    await simulators.misbehave({ fault: { kind: 'slow', ms: 30 } });
    await rawAsk(simulators, {});
    const [record] = simulators.calls();
    expect((record?.endedAt ?? 0) - (record?.receivedAt ?? 0)).toBeGreaterThanOrEqual(29);
    expect(record?.status).toBe(200);
  }));
});

describe('HTTP', () => {
  seen('status-line', 'is no HTTP', async () => expect((await look({ fault: { kind: 'status-line' } })).text).toBe('HTTP/7.1 banana\r\n\r\n'));
  seen('bytes', 'as they are, and no others', async () => expect(await look({ fault: { kind: 'bytes', text: 'HTTP/1.0 200 OK\r\n\r\n{}' } })).toMatchObject({ text: 'HTTP/1.0 200 OK\r\n\r\n{}', ended: 'end' }));
  seen('oversized-headers', 'a megabyte of them', async () => expect((await look({ fault: { kind: 'oversized-headers' } })).text.indexOf('\r\n\r\n')).toBeGreaterThan(1024 * 1024));
  seen('bad-chunk', 'after one event', async () => {
    const { text, ended } = await look({ fault: { kind: 'bad-chunk', after: 1 } });
    expect([ended, contents(text), text.endsWith('zz\r\nnot a chunk\r\n')]).toEqual(['end', 1, true]);
  });
  seen('length', 'promises more than comes, or less', async () => {
    expect(stated(await look({ fault: { kind: 'length', by: 10 }, stream: false }))).toBe(10);
    expect(stated(await look({ fault: { kind: 'length', by: -10 }, stream: false }))).toBe(-10);
  });
  seen('gzip', 'garbage, cut short, and a bomb', () => withSimulators({}, async (simulators) => {
    const parsed = async (content: 'garbage' | 'cut'): Promise<unknown> => {
      const undo = await simulators.misbehave({ fault: { kind: 'gzip', content } });
      const response = await ask(simulators);
      await undo();
      expect(response.headers.get('content-encoding')).toBe('gzip');
      return response.json();
    };
    await expect(parsed('garbage')).rejects.toThrow();
    await expect(parsed('cut')).rejects.toThrow();
    await simulators.misbehave({ fault: { kind: 'gzip', content: 'bomb', bytes: 1024 * 1024 } });
    expect(await (await ask(simulators)).text()).toHaveLength(1024 * 1024);
    expect(simulators.calls().at(-1)?.bytes).toBeLessThan(2048);
  }));
});

describe('another answer', () => {
  seen('answer', 'a redirect, with any headers', async () => {
    const { text } = await look({ fault: { kind: 'answer', status: 302, headers: { location: 'http://elsewhere.example/' } } });
    expect(text).toMatch(/^HTTP\/1\.1 302[^]*location: http:\/\/elsewhere\.example\//i);
  });
  seen('answer', 'server-sent events where JSON was asked for', async () => {
    const { text } = await look({ stream: false, fault: { kind: 'answer', headers: { 'content-type': 'text/event-stream' }, body: 'data: [DONE]\n\n' } });
    expect(text).toMatch(/text\/event-stream[^]*data: \[DONE\]/);
  });
  seen('refusal', 'with other retry hints, or none', () => withSimulators({}, async (simulators) => {
    const hint = async (value: string | null): Promise<string | null> => {
      const undo = await simulators.misbehave({ provider: 'groq', fault: { kind: 'refusal', name: 'rate-minute', headers: { 'Retry-After': value } } });
      const response = await ask(simulators);
      await undo();
      expect(response.status).toBe(429);
      return response.headers.get('retry-after');
    };
    for (const value of ['7', 'Fri, 20 Nov 2026 12:00:00 GMT', '0', '-5', 'soon', '1000000000000', null]) expect(await hint(value)).toBe(value);
  }));
  seen('refusal', 'as an error object in a 200', async () => {
    const { text } = await look({ provider: 'openrouter', fault: { kind: 'refusal', name: 'server-error', status: 200 } });
    expect(text).toMatch(/^HTTP\/1\.1 200/);
    expect(JSON.parse(body(text))).toEqual({ error: { message: 'Internal Server Error', code: 500 }, user_id: 'user_alice' });
  });
  seen('html', 'a portal page', async () => expect((await look({ fault: { kind: 'html' } })).text).toMatch(/^HTTP\/1\.1 200[^]*text\/html[^]*<!DOCTYPE html>/));
  seen('empty', 'finished, and nothing in it', async () => {
    const events = eventsOf((await look({ fault: { kind: 'empty' } })).text);
    expect(events.map((event) => JSON.stringify(event)).join('')).not.toMatch(/usage|"content":"[^"]/);
    expect(events).toHaveLength(3);
    const whole: unknown = JSON.parse(body((await look({ fault: { kind: 'empty' }, stream: false })).text));
    expect(whole).toMatchObject({ choices: [{ finish_reason: 'stop', message: { content: '' } }] });
    expect(whole).not.toHaveProperty('usage');
  });
  seen('swap', 'JSON for a stream, a stream for JSON', async () => {
    expect((await look({ fault: { kind: 'swap' } })).text).toMatch(/application\/json[^]*"chat.completion"/);
    expect((await look({ fault: { kind: 'swap' }, stream: false })).text).toMatch(/text\/event-stream[^]*chat.completion.chunk/);
  });
});

describe('the stream', () => {
  seen('end', 'after two events, as if that were all', async () => {
    const { text } = await look({ fault: { kind: 'end', after: 2 } });
    expect([contents(text), text.includes('[DONE]'), text.endsWith('0\r\n\r\n')]).toEqual([2, false, true]);
  });
  seen('cut', 'in the middle of an event, and of JSON', async () => {
    expect((await look({ fault: { kind: 'cut' } })).text).not.toContain('[DONE]');
    const json = body((await look({ fault: { kind: 'cut' }, stream: false })).text);
    expect(() => JSON.parse(json) as unknown).toThrow();
  });
  seen('leave-out', '[DONE], the finish, both, the usage', async () => {
    expect(await remains(['done'])).toEqual([true, false, true]);
    expect(await remains(['finish'])).toEqual([false, true, false]);
    expect(await remains(['finish', 'done'])).toEqual([false, false, false]);
    expect(await remains(['usage'])).toEqual([true, true, false]);
  });
  seen('malformed', 'one event among good ones', async () => {
    const { text } = await look({ fault: { kind: 'malformed', after: 1 } });
    expect(() => eventsOf(text)).toThrow();
    expect(text).toContain('[DONE]');
  });
  seen('error-event', 'first, and in the middle, in every shape', async () => {
    const shapes = { own: /"code":"server_error","message":"Provider disconnected/, openai: /"type":"server_error","param":null/, anthropic: /event: error\ndata: \{"type":"error"/, groq: /"code":"internal_server_error"/, cerebras: /"status_code":429/, openrouter: /"finish_reason":"error"/ } as const;
    for (const [shape, pattern] of Object.entries(shapes)) {
      const { text } = await look({ provider: 'openrouter', fault: { kind: 'error-event', after: 2, shape: shape as 'own' } });
      expect(text).toMatch(pattern);
      expect([contents(text), text.includes('[DONE]')]).toEqual([2, false]);
    }
    expect(contents((await look({ fault: { kind: 'error-event', next: 'done' } })).text)).toBe(0);
    expect((await look({ fault: { kind: 'error-event', after: 1, next: 'continue' } })).text).toMatch(/"error"[^]*"finish_reason":"stop"/);
  });
  seen('comments', 'for ever', async () => {
    const { text, ended } = await look({ fault: { kind: 'comments', ms: 1 }, enough: 1000 });
    expect([ended, (text.match(/: keep-alive\n\n/g) ?? []).length > 10]).toEqual(['enough', true]);
  });
  seen('long-event', 'ten megabytes without a line end', async () => {
    const { bytes, text } = await look({ fault: { kind: 'long-event' } });
    expect(bytes).toBeGreaterThan(10 * 1024 * 1024);
    expect(body(text.slice(0, 70_000)).replace(/^\s+/, '')).toMatch(/^data: \{"choices":\[\{"index":0,"delta":\{"content":"x+/);
  });
  seen('endless', 'more than any answer, at bounded memory', async () => {
    const { ended, bytes } = await look({ fault: { kind: 'endless' }, enough: 8 * 1024 * 1024 });
    expect([ended, bytes >= 8 * 1024 * 1024]).toEqual(['enough', true]);
  });
  seen('framing', 'any split, line end and mark carries the same answer', () => withSimulators({ limits: { openrouter: { rate_limit: {} } } }, async (simulators) => {
    const plain = eventsOf(body((await rawAsk(simulators, { provider: 'openrouter', body: { stream: true } })).text)).slice(1, -2);
    const framed = async (fault: Omit<Extract<FaultInput, { kind: 'framing' }>, 'kind'>): Promise<{ readonly text: string; readonly segments: number }> => {
      const undo = await simulators.misbehave({ fault: { kind: 'framing', ...fault } });
      const response = await ask(simulators, { provider: 'openrouter', body: { stream: true } });
      let segments = 0;
      const chunks: Uint8Array[] = [];
      for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        segments += 1;
        chunks.push(chunk);
      }
      await undo();
      return { text: Buffer.concat(chunks).toString('utf8'), segments };
    };
    const expected = plain.map((event) => (event as { choices: unknown }).choices);
    const bytewise = await framed({ bytes: 1, newline: 'crlf', bom: true });
    expect(bytewise.segments).toBeGreaterThan(100);
    expect(bytewise.text).toMatch(/^\uFEFF: OPENROUTER PROCESSING\r\n\r\ndata: /);
    expect(bytewise.text).toContain('“');
    expect(deltas(bytewise.text)).toEqual(expected);
    expect(deltas((await framed({ bytes: 7, newline: 'cr' })).text)).toEqual(expected);
    expect((await framed({ bytes: 1_000_000 })).segments).toBeLessThan(5);
  }));
});

const kinds = faultSchema.options.map(({ shape }) => shape.kind.value).sort();

test('every kind is looked at, and stands in the documents', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'simulators.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `')).flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([a-z-]+)`/g)].map(([, kind = '']) => kind));
  expect([...covered].sort()).toEqual(kinds);
  expect(rows.sort()).toEqual(kinds);
});

const refusal = { kind: 'answer', status: 418 } as const;

/** The numbers of the calls that met a fault of chance. */
const met = (seed: number): Promise<number[]> => withSimulators({ seed, limits: { groq: { rate_limit: {} } } }, async (simulators) => {
  await simulators.misbehave({ probability: 0.4, fault: refusal });
  for (let call = 0; call < 100; call += 1) await ask(simulators);
  return simulators.calls({ status: 418 }).map(({ number }) => number);
});

describe('rules', () => {
  test('choose by provider, account, model, path, the nth call and how often', () =>
    withSimulators({ limits: { groq: { rate_limit: {} } } }, async (simulators) => {
      const statuses = async (rule: Omit<FaultRuleInput, 'fault'>, calls = 4): Promise<number[]> => {
        const undo = await simulators.misbehave({ ...rule, fault: refusal });
        const answers: number[] = [];
        for (let call = 0; call < calls; call += 1) answers.push((await ask(simulators, { account: call % 2 === 0 ? 'even' : 'odd' })).status);
        await undo();
        return answers;
      };
      expect(await statuses({ provider: 'cerebras' })).toEqual([200, 200, 200, 200]);
      expect(await statuses({ provider: 'groq', account: 'odd' })).toEqual([200, 418, 200, 418]);
      expect(await statuses({ model: 'openai/gpt-oss-20b' })).toEqual([200, 200, 200, 200]);
      expect(await statuses({ path: '/models' })).toEqual([200, 200, 200, 200]);
      expect(await statuses({ nth: [2, 3] })).toEqual([200, 418, 418, 200]);
      expect(await statuses({ times: 1 })).toEqual([418, 200, 200, 200]);
      expect(await statuses({ account: 'odd', nth: 2 })).toEqual([200, 200, 200, 418]);
    }));

  test('chances follow from the seed', async () => {
    const [one, again, other] = await Promise.all([met(7), met(7), met(8)]);
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    expect(one.length).toBeGreaterThan(25);
    expect(one.length).toBeLessThan(55);
  });

  test('what cannot be played is told when it is asked for', () => withSimulators({}, async (simulators) => {
    await expect(simulators.misbehave({ fault: { kind: 'refused' } })).rejects.toThrow('a refused connection needs a port for each provider');
    await expect(simulators.misbehave({ provider: 'cerebras', fault: { kind: 'refusal', name: 'tool-use-failed' } })).rejects.toThrow('cerebras has no refusal "tool-use-failed"; it has no-key,');
    await expect(simulators.misbehave({ fault: { kind: 'nonsense' } as never })).rejects.toThrow(/kind/);
  }));

  test.each(PROVIDER_NAMES)('%s behaves again once told', (provider) => withSimulators({}, async (simulators) => {
    await simulators.misbehave({ fault: { kind: 'reset' } });
    expect((await rawAsk(simulators, { provider })).ended).toBe('reset');
    await simulators.behave();
    expect((await rawAsk(simulators, { provider })).text).toMatch(/^HTTP\/1\.1 200/);
  }));
});
