/** Every recorded refusal, and what it must be read as. */
import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UpstreamFailure } from '../../src/failure.ts';
import { explain } from '../../src/providers/explain.ts';
import type { Fact } from '../../src/types.ts';

const fixtures = join(import.meta.dirname, '..', 'fixtures');
const NOW = Date.parse('2026-10-02T12:00:00Z');

interface Recorded {
  readonly name: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** `retryIn` and `resetIn` are milliseconds from now. */
  readonly expected: Readonly<Record<string, unknown>>;
}

const recorded = readdirSync(fixtures).flatMap((provider) =>
  readdirSync(join(fixtures, provider)).includes('errors.json')
    ? (JSON.parse(readFileSync(join(fixtures, provider, 'errors.json'), 'utf8')) as Recorded[]).map((one) => ({ provider, ...one }))
    : [],
);

const read = ({ provider, status, headers = {}, body }: Recorded & { readonly provider: string }): UpstreamFailure =>
  explain({ provider, model: 'vendor/model', status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }, NOW);

const relative = ({ resetAt, ...fact }: Fact): unknown => ({ ...fact, ...(resetAt !== undefined && { resetIn: resetAt - NOW }) });

/** The failure without its words, with its times told from now. */
function shape(failure: UpstreamFailure, expected: Readonly<Record<string, unknown>>): unknown {
  const { message: _message, ...rest } = failure;
  const { retryAt, facts, upstreamStatus, code, ...told } = rest as Readonly<Record<string, unknown>> & { readonly retryAt?: number; readonly facts?: readonly Fact[] };
  return {
    ...told,
    ...('code' in expected && { code }),
    ...('upstreamStatus' in expected && { upstreamStatus }),
    ...(retryAt !== undefined && { retryIn: retryAt - NOW }),
    ...(facts !== undefined && { facts: facts.map(relative) }),
  };
}

describe.each([...new Set(recorded.map(({ provider }) => provider))])('%s', (provider) => {
  test.each(recorded.filter((one) => one.provider === provider))('$name', (one) => {
    expect(shape(read(one), one.expected)).toEqual(one.expected);
  });
});

describe('the words of a refusal', () => {
  test.each(recorded)('$provider: $name: one short line, no markup, no key', (one) => {
    const { message } = read(one);
    expect(message).toMatch(new RegExp(`^${one.provider}[ :]`));
    expect(message).not.toMatch(/[<>]html|\n|sk-thisi|xai-ab/);
    expect(message.length).toBeLessThan(450);
  });

  test('what the provider behind OpenRouter said is said, out of its own envelope', () => {
    const relayed = recorded.find(({ name }) => name === "429 somebody else's pool, with a hint");
    expect(relayed && read(relayed).message).toBe('openrouter answered 429: Provider returned error: slow down');
  });
});
