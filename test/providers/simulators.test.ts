/** The simulated providers' refusals and faults, as the door out tells them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { FailureError } from '../../src/failure.ts';
import type { Failure } from '../../src/failure.ts';
import { startSimulators } from '../../src/sim/simulators.ts';
import type { Simulators } from '../../src/sim/simulators.ts';
import type { FaultRuleInput } from '../../src/sim/fault-table.ts';
import type { ProviderName } from '../../src/sim/types.ts';
import { account, harness, model, outgoing, provider } from './support.ts';
import type { Harness } from './support.ts';

const models: Readonly<Record<ProviderName, string>> = { openrouter: 'z-ai/glm-5.2:free', groq: 'openai/gpt-oss-120b', cerebras: 'gpt-oss-120b' };
const plenty = { rate_limit: { requests_per_day: 100_000 } };
const state: { simulators?: Simulators; harness?: Harness } = {};

beforeAll(async () => {
  state.simulators = await startSimulators({ limits: { groq: plenty }, pace: { firstMs: 0, tokenMs: 0 } });
});
afterAll(() => state.simulators?.close());
// A connection that was kept may be closed at any time: what breaks a new one is another matter.
beforeEach(() => {
  state.harness = harness();
});
afterEach(() => state.harness?.close());

interface Outcome {
  readonly failure?: Failure;
  readonly finish?: string | undefined;
  readonly facts?: number;
}

/** One call with this fault. */
async function meet(name: ProviderName, stream: boolean, fault?: FaultRuleInput['fault']): Promise<Outcome> {
  const { simulators, harness: door } = state;
  if (simulators === undefined || door === undefined) throw new Error('not started');
  const origin = simulators.origins[name];
  const target = { provider: provider({ name, baseUrl: simulators.baseUrls[name] }), model: model({ name: models[name] }) };
  const undo = fault === undefined ? undefined : await simulators.misbehave({ provider: name, fault });
  try {
    const { chunks, facts } = await door.send({ ...outgoing(origin, { stream }), target, account: account({ provider: name, origin }), stallMs: fault?.kind === 'silence' ? 200 : 10_000 }, new AbortController().signal);
    let finish: string | undefined;
    for await (const chunk of chunks) finish = chunk.finish ?? finish;
    return { finish, facts: facts.length };
  } catch (error) {
    if (error instanceof FailureError) return { failure: error.failure };
    throw error;
  } finally {
    await undo?.();
  }
}

const refusals: Readonly<Record<ProviderName, Readonly<Record<string, string>>>> = {
  openrouter: {
    'no-key': 'credential', 'bad-key': 'credential', 'unknown-path': 'overloaded', 'unknown-model': 'model-gone', 'no-messages': 'caller', 'bad-json': 'caller', 'reasoning-mandatory': 'caller', 'context-length': 'too-long',
    'credits': 'balance', 'credits-max-tokens': 'balance', 'in-flight': 'rate-minute', 'key-limit': 'balance', 'harness-only': 'model-access', 'guardrail': 'policy', 'data-policy': 'model-access', 'parameters': 'caller', 'no-tools': 'caller',
    'free-gone': 'model-gone', 'rate-minute': 'rate-minute', 'rate-day': 'rate-day', 'rate-day-high': 'rate-day', 'model-minute': 'rate-minute', 'model-day': 'rate-day', 'upstream-pool': 'overloaded', 'upstream-pool-hint': 'overloaded',
    'timeout': 'overloaded', 'too-large': 'too-long', 'server-error': 'overloaded', 'provider-error': 'overloaded', 'overloaded': 'overloaded',
  },
  groq: {
    'no-key': 'credential', 'bad-key': 'credential', 'unknown-path': 'overloaded', 'unknown-model': 'model-gone', 'decommissioned': 'model-gone', 'edge-filter': 'overloaded', 'bad-json': 'caller', 'no-messages': 'caller', 'no-tools': 'caller',
    'tool-use-failed': 'broken-answer', 'json-failed': 'broken-answer', 'context-length': 'too-long', 'too-large': 'too-long', 'rate-minute': 'rate-minute', 'rate-day': 'rate-day', 'tokens-minute': 'rate-minute', 'tokens-day': 'rate-day', 'audio-hour': 'rate-minute', 'audio-day': 'rate-day',
    'terms-required': 'model-access', 'overloaded': 'overloaded', 'server-error': 'overloaded',
  },
  cerebras: {
    'no-key': 'credential', 'bad-key': 'credential', 'unknown-path': 'overloaded', 'unknown-model': 'model-gone', 'archived': 'model-gone', 'payment': 'balance', 'queue': 'overloaded', 'rate-minute': 'rate-minute', 'rate-hour': 'rate-minute',
    'rate-day': 'rate-day', 'tokens-minute': 'rate-minute', 'tokens-day': 'rate-day', 'edge-filter': 'overloaded', 'bad-request': 'caller', 'context-length': 'too-long', 'server-error': 'overloaded', 'overloaded': 'overloaded',
  },
};

describe.each(['openrouter', 'groq', 'cerebras'] as const)('%s', (name) => {
  test('every refusal it knows is read for what it means', async () => {
    const read: Record<string, string | undefined> = {};
    for (const refusal of state.simulators?.refusals[name] ?? []) read[refusal] = (await meet(name, true, { kind: 'refusal', name: refusal })).failure?.kind;
    expect(read).toEqual(refusals[name]);
  });
});

describe('faults', () => {
  const broken: readonly FaultRuleInput['fault'][] = [
    { kind: 'empty' }, { kind: 'reset', after: 2 }, { kind: 'close', after: 2 }, { kind: 'status-line' }, { kind: 'oversized-headers' }, { kind: 'bad-chunk' }, { kind: 'gzip', content: 'garbage' }, { kind: 'gzip', content: 'cut' },
    { kind: 'end', after: 2 }, { kind: 'cut' }, { kind: 'malformed', after: 2 }, { kind: 'long-event' },
  ];
  const cases: readonly (readonly [FaultRuleInput['fault'], string])[] = [
    ...broken.map((fault) => [fault, 'broken-answer'] as const),
    [{ kind: 'html' }, 'overloaded'],
    [{ kind: 'reset' }, 'overloaded'],
    [{ kind: 'close' }, 'overloaded'],
    [{ kind: 'silence', after: 2 }, 'silent'],
    ...(['own', 'openai', 'anthropic', 'openrouter', 'groq', 'cerebras'] as const).map((shape) => [{ kind: 'error-event', after: 2, shape }, 'overloaded'] as const),
  ];

  test.each(cases)('%j is %s, streaming and not', async (fault, kind) => {
    expect((await meet('groq', true, fault)).failure?.kind).toBe(kind);
    expect((await meet('groq', false, fault)).failure?.kind).toBe(kind);
  });

  test.each<FaultRuleInput['fault']>([
    { kind: 'swap' }, { kind: 'slow', ms: 20 }, { kind: 'leave-out', parts: ['done'] }, { kind: 'leave-out', parts: ['role', 'usage'] }, { kind: 'framing' }, { kind: 'framing', newline: 'crlf', bom: true, bytes: 3 }, { kind: 'framing', newline: 'cr', bytes: 7 },
  ])('%j is an answer all the same', async (fault) => {
    expect((await meet('groq', true, fault)).finish).toBe('stop');
    expect((await meet('groq', false, fault)).finish).toBe('stop');
  });

  test('a stream without a finish reason was cut short', async () => {
    expect((await meet('groq', true, { kind: 'leave-out', parts: ['finish'] })).failure?.kind).toBe('broken-answer');
  });

  test('without any, the headers tell what the simulator counts', async () => {
    expect(await meet('groq', true)).toEqual({ finish: 'stop', facts: 1 });
  });
});
