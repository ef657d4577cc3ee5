/** What is put together by hand is what `JSON.stringify` would have written, letter for letter. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readEntry, textOf } from '../../src/accounts/journal.ts';
import type { Entry } from '../../src/accounts/journal.ts';
import { account, createHouse, createTime, model, provider, window } from './harness.ts';

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"', '\\', '\n', '\u0000', '\u001f', '\u007f', '\u2028', '\ud800', 'x\udc00', '👋', 'groq/é'));
const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(-0, 1e21, 1e-7, 1_795_000_000_000.25, Number.NaN, Number.POSITIVE_INFINITY));
const perhaps = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, value);
const unit = fc.constantFrom('requests' as const, 'tokens' as const, 'audio_seconds' as const);
/** Without what is undefined, as the ledger makes them. */
const made = (line: object): Entry => Object.fromEntries(Object.entries(line).filter(([, value]) => value !== undefined)) as unknown as Entry;
const line = fc.oneof(
  fc.record({ type: fc.constant('take'), id: number, at: number, account: text, provider: text, pool: text, model: text, requests: number, tokens: number, audio_seconds: perhaps(number), counted: perhaps(fc.boolean()), seenAt: perhaps(number) }),
  fc.record({ type: fc.constant('count'), id: number, at: number, unit, actual: number }),
  fc.record({ type: fc.constant('seen'), id: number, at: number }),
  fc.record({ type: fc.constant('end'), id: number, refused: perhaps(fc.boolean()) }),
  fc.record({ type: fc.constant('awake'), key: text }),
).map(made);

test('of any line', () => {
  fc.assert(fc.property(line, (entry) => expect(textOf(entry)).toBe(JSON.stringify(entry))), { numRuns: 2000 });
});

test('of every line the accounts write', async () => {
  const entries: Entry[] = [];
  const keep = (entry: Entry): void => void entries.push(entry);
  const time = createTime();
  const journal = { read: () => [], append: keep, defer: keep, full: false, rewrite: (all: readonly Entry[]) => void entries.push(...all), compact: () => Promise.resolve() };
  const one = provider('groq', [model('m "quoted"', { windows: [window(10), window(1000, 60, { unit: 'tokens' }), window(100, 60, { unit: 'audio_seconds' })] })]);
  const house = createHouse([one], [account('groq', 'a')], { time, journal });
  const settled = await house.ask();
  settled.settle({ input: 90, output: 20 });
  const heard = await house.ask({ request: { audioSeconds: 3 } });
  heard.fail({ kind: 'overloaded', scope: 'provider', message: 'busy' });
  await house.ask();
  house.accounts.save();
  expect(entries.map(({ type }) => type)).toEqual(expect.arrayContaining(['take', 'count', 'end', 'rest']));
  for (const entry of entries) {
    expect(textOf(entry)).toBe(JSON.stringify(entry));
    expect(readEntry(JSON.parse(textOf(entry)))).toEqual(JSON.parse(JSON.stringify(entry)));
  }
});
