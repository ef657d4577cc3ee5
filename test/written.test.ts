/** What is put together from a client's own text says what would have been written anew. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FailureError } from '../src/failure.ts';
import { dialects } from '../src/providers/dialects.ts';
import { parseChat } from '../src/surfaces/chat.ts';
import { parseRelay } from '../src/surfaces/relay.ts';
import { trimTo } from '../src/surfaces/trim.ts';
import type { ChatRequest, Provider } from '../src/types.ts';
import { stringified, written } from '../src/written.ts';
import { model, provider } from './providers/support.ts';

type Body = Readonly<Record<string, unknown>>;

const LONG = 'The quick brown fox. '.repeat(110);

/** JSON as anybody may write it: blanks anywhere, letters in escapes, names told twice, numbers no double holds. */
const blank = fc.constantFrom('', '', '', ' ', '\n  ', '\t', '\r\n');
const letter = fc.oneof(
  fc.constantFrom('a', 'é', '日', '👋', '{', '}', '[', ']', ',', ':', '\u2028', '-0', '1e9', String.raw`\"`, String.raw`\\`, String.raw`\n`, String.raw`\/`, String.raw`\u0041`, String.raw`\u0022`, String.raw`\u005c`, String.raw`\ud83d\udc4b`, String.raw`\ud800`),
  fc.string({ unit: 'grapheme' }).map((some) => JSON.stringify(some).slice(1, -1)),
);
const text = fc.oneof(fc.array(letter, { maxLength: 5 }), fc.array(letter, { maxLength: 3 }).map((some) => [LONG, ...some, LONG]), fc.array(letter, { maxLength: 3 }).map((some) => [...some, LONG])).map((pieces) => `"${pieces.join('')}"`);
const number = fc.oneof(fc.integer().map(String), fc.double({ noNaN: true, noDefaultInfinity: true }).map(String), fc.constantFrom('-0', '0', '-0.0', '1.10', '1e400', '-1e400', '1E2', '2.5e-3', '12345678901234567890', '0.1000000000000000055511151231257827', '999999999999999', '-0.5'));
const name = fc.constantFrom('a', 'b', 'content', 'parsed', '__proto__', 'constructor', 'toJSON', '1', '0', String.raw`\u0061`, '');
const objectOf = (names: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.array(fc.tuple(names, value, blank, blank, blank), { maxLength: 5 }).map((members) => `{${members.map(([own, said, before, between, after]) => `${before}"${own}"${between}:${between}${said}${after}`).join(',')}}`);
const { value: anything } = fc.letrec<{ readonly value: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, text, number, fc.constantFrom('true', 'false', 'null'), fc.array(fc.tuple(tie('value'), blank), { maxLength: 4 }).map((all) => `[${all.map((one) => one.join('')).join(',')}]`), objectOf(name, tie('value'))),
}));
const topName = fc.oneof(name, fc.constantFrom('messages', 'model', 'tools', 'stream', 'prompt'));

/** In one order at the top, where order says nothing; numbers so that nothing is alike that is not the same. */
function meaning(json: string): string {
  const told = JSON.parse(json) as Body;
  return JSON.stringify(Object.entries(told).toSorted(([one], [other]) => (one < other ? -1 : 1)), (_key, value: unknown) => (typeof value === 'number' ? (Object.is(value, -0) ? '-0' : String(value)) : value));
}

test('says what would have been written anew, whatever became of the body meanwhile', () => {
  const seen = { copied: 0 };
  fc.assert(
    fc.property(objectOf(topName, anything), blank, fc.array(topName, { maxLength: 2 }), fc.array(topName, { maxLength: 2 }), (object, around, gone, changed) => {
      const json = around + object + around;
      const asRead = JSON.parse(json) as Body;
      const body = Object.fromEntries([...Object.entries(asRead).filter(([own]) => !gone.includes(own)), ...changed.map((own) => [own, LONG])]) as Body;
      const sent = stringified(body, written(json, asRead));
      expect(meaning(sent)).toBe(meaning(JSON.stringify(body)));
      if (sent !== JSON.stringify(body)) seen.copied += 1;
    }),
    { numRuns: 2000 },
  );
  expect(seen.copied).toBeGreaterThan(200);
});

const arrival = { id: 'req_1', caller: { key: 'local', project: 'local' }, receivedAt: 0, deadline: 30_000, priority: 5 };
const asked = (json: string): ChatRequest => parseChat(JSON.parse(json), arrival, { text: json });

function encoded(request: ChatRequest, dialect = 'openai', changes: Partial<Provider> = {}): string {
  const body = dialects.get(dialect)?.encode(request, { provider: provider(changes), model: model() }, 'key-1').body;
  if (typeof body !== 'string') throw new Error('is no JSON');
  return body;
}

/** What is sent, or why nothing is. */
function outcome(encode: () => string): string {
  try {
    return meaning(encode());
  } catch (error) {
    if (error instanceof FailureError) return error.message;
    throw error;
  }
}

const long = (more = ''): string => String.raw`{"model":"auto","messages":[{"role":"user", "content":"\u0041 ${LONG}"${more}}]}`;

describe('a chat', () => {
  const role = fc.constantFrom('user', 'system', 'developer', 'assistant');
  const message = fc.tuple(role, text, fc.array(fc.tuple(fc.constantFrom('name', 'parsed', 'odd', '__proto__', 'content', 'role'), anything), { maxLength: 2 }))
    .map(([who, said, more]) => `{ "role":"${who}",${more.map(([own, value]) => `"${own}":${value},`).join('')} "role" : "${who}","content":${said}}`);
  const plain = fc.tuple(role, text).map(([who, said]) => `{"role":"${who}","content":${said}}`);
  const chat = fc.tuple(fc.oneof(fc.array(plain, { minLength: 1, maxLength: 4 }), fc.array(message, { minLength: 1, maxLength: 3 })), fc.array(fc.tuple(fc.constantFrom('api_key', 'headers', 'metadata', 'seed', 'odd', 'messages', 'model'), anything), { maxLength: 3 }))
    .map(([messages, more]) => `{${more.map(([own, value]) => `"${own}":${value},`).join('')}"model":"auto","messages":[${messages.join(', ')}],"stream":true}`);

  test('goes to every provider with what it would have had written anew', () => {
    const seen = { copied: 0 };
    fc.assert(
      fc.property(chat, fc.constantFrom(...dialects.keys()), fc.constantFrom<Partial<Provider>>({}, {}, { omit: ['messages.name', 'metadata'], rename: { seed: 'random_seed', odd: 'messages' } }, { omit: ['messages'] }), (json, dialect, changes) => {
        const request = asked(json);
        const { written: _written, ...anew } = request;
        expect(outcome(() => encoded(request, dialect, changes))).toBe(outcome(() => encoded(anew, dialect, changes)));
        if (dialect === 'openai' && encoded(request) !== encoded(anew)) seen.copied += 1;
      }),
      { numRuns: 1000 },
    );
    expect(seen.copied).toBeGreaterThan(10);
  });

  test('that is long goes on in the client’s own letters, with the model’s name put in', () => {
    const sent = encoded(asked(long()));
    expect(sent).toContain(String.raw`[{"role":"user", "content":"\u0041 The quick`);
    expect(JSON.parse(sent)).toMatchObject({ model: 'vendor/model', stream: false });
  });

  test.each([
    ['a name told twice in a message', long(',"role":"user"')],
    ['a number no double holds', long(',"odd":12345678901234567890')],
    ['a number that is none', long(',"odd":1e400')],
    ['less than nothing', long(',"odd":[-0]')],
    ['a name that is left out', long(',"__proto__":{}')],
    ['a note of the client’s', long(',"parsed":{}')],
    ['the newer name of a role', long().replace('"user"', '"developer"')],
    ['messages told twice', long().replace('"messages"', '"messages":[],"messages"')],
    ['messages told twice, the last in escapes', `${long().slice(0, -1)},"messa\\u0067es":[{"role":"user","content":"other"}]}`],
  ])('with %s is written anew', (_what, json) => {
    const request = asked(json);
    expect(encoded(request)).not.toContain(String.raw`\u0041`);
    const { written: _written, ...anew } = request;
    expect(encoded(request)).toBe(encoded(anew));
  });

  test('takes nothing along that is not the client’s to say', () => {
    const sent = encoded(asked(`{"api_key":"${LONG}","headers":{"x":"${LONG}"},"__proto__":"${LONG}",${long().slice(1)}`));
    expect(Object.keys(JSON.parse(sent) as Body).toSorted()).toEqual(['messages', 'model', 'stream']);
  });

  test('that is short is not kept in two forms, nor one that was trimmed', () => {
    expect(asked('{"model":"auto","messages":[{"role":"user","content":"hi"}]}').written).toBeUndefined();
    const turns = asked(JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: LONG }, { role: 'assistant', content: 'yes' }, { role: 'user', content: LONG }] }));
    expect(turns.written).toBeDefined();
    expect(trimTo(turns, turns.promptTokens - 1, 'x').written).toBeUndefined();
  });
});

test('a question besides chat goes the same way', () => {
  const json = String.raw`{"model":"groq/e","input":["\u0041 ${LONG}"],"api_key":"${LONG}"}`;
  const request = parseRelay(JSON.parse(json), '/embeddings', arrival, json);
  const sent = encoded(request);
  expect(sent).toContain(String.raw`"input":["\u0041 The quick`);
  expect(JSON.parse(sent)).toEqual({ model: 'vendor/model', input: [`A ${LONG}`] });
});
