/** Closed load in virtual time against a provider that counts as the simulators do: what the engine gets out of it. */
import { FailureError, type UpstreamFailure } from '../../src/failure.ts';
import type { Lease } from '../../src/accounts/accounts.ts';
import { type Meter, createMeters, isDenial } from '../../src/sim/quota.ts';
import type { Denial } from '../../src/sim/types.ts';
import type { Fact, Limits, WindowLimit } from '../../src/types.ts';
import type { House } from './harness.ts';

export interface Upstream {
  readonly limits: Limits;
  /** Whether answers tell the windows, as Groq and Cerebras do, or only refusals, as OpenRouter. */
  readonly headers: readonly WindowLimit[];
  /** Milliseconds a call needs to reach upstream, and back; and how long the answer takes. */
  readonly jitter: readonly [number, number];
  readonly answer: readonly [number, number];
  /** Of a prompt, estimated as 100; the answer has 50, of 200 allowed. */
  readonly prompt: readonly [number, number];
  /** What is charged until the answer is whole. */
  readonly admits: 'prompt' | 'allowed';
}

export interface Outcome {
  answered: number;
  refused: number;
  /** Requests the client saw fail. */
  errors: number;
}

const ANSWER = 50;
const ALLOWED = 200;

/** A small deterministic generator: the same load every time. */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

export async function load(house: House, upstream: Upstream, { clients, ms, seed = 1, patience = 120_000 }: { readonly clients: number; readonly ms: number; readonly seed?: number; readonly patience?: number }): Promise<Outcome> {
  const random = createRandom(seed);
  const between = ([from, to]: readonly [number, number]): number => Math.round(from + random() * (to - from));
  const outcome: Outcome = { answered: 0, refused: 0, errors: 0 };
  const meters = createMeters({ quota: upstream.limits, byModel: new Map(), scope: 'account', models: 'each', refused: 'ignore', lag: 0, accounts: [] });
  const { time } = house;
  const end = time.now() + ms;
  const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => void time.after(milliseconds, resolve));

  async function call(lease: Lease): Promise<void> {
    const meter = meters({ account: lease.account.id, organization: lease.pool, credits: 0 }, lease.target.model.name);
    await wait(between(upstream.jitter));
    const prompt = between(upstream.prompt);
    const admitted = meter.admit(time.now(), { tokens: prompt + (upstream.admits === 'allowed' ? ALLOWED : 0) });
    if (isDenial(admitted)) {
      outcome.refused += 1;
      const failure = refusal(admitted, time.now());
      await wait(between(upstream.jitter));
      lease.fail(failure);
      return;
    }
    const facts = headersOf(meter, upstream.headers, time.now());
    await wait(between(upstream.jitter));
    lease.learn(facts);
    await wait(between(upstream.answer));
    admitted.settle(prompt + ANSWER);
    admitted.release();
    if (time.now() <= end) outcome.answered += 1;
    lease.settle({ input: prompt, output: ANSWER });
  }

  async function client(number: number): Promise<void> {
    while (time.now() < end) {
      const lease = await house.ask({ request: { deadline: time.now() + patience, promptTokens: 100, maxOutput: ALLOWED, caller: { key: `key-${number}`, project: 'p' } } }).catch((error: unknown) => {
        if (!(error instanceof FailureError)) throw error;
        outcome.errors += 1;
      });
      if (lease === undefined) await wait(1000);
      else await call(lease);
    }
  }

  for (let number = 0; number < clients; number += 1) void client(number);
  await time.advance(ms);
  return outcome;
}

function headersOf(meter: Meter, told: readonly WindowLimit[], now: number): Fact[] {
  return meter.readings(now)
    .filter(({ window }) => told.some(({ unit, seconds }) => unit === window.unit && seconds === window.seconds))
    .map(({ window: { unit, seconds, limit }, used, resetMs }): Fact => ({ unit, seconds, limit, remaining: Math.max(0, Math.floor(limit - used)), resetAt: now + resetMs, scope: 'model', source: 'header' }));
}

function refusal(denial: Denial, now: number): UpstreamFailure {
  if (denial.by === 'concurrency') return { kind: 'rate-minute', message: 'too many at once', retryAt: now + 500 };
  const { window: { unit, seconds, limit }, used, waitMs } = denial;
  const retryAt = now + waitMs;
  const kind = seconds >= 86_400 ? 'rate-day' : 'rate-minute';
  return { kind, message: 'slow down', retryAt, facts: [{ unit, seconds, limit, remaining: Math.max(0, Math.floor(limit - used)), resetAt: retryAt, scope: 'model', source: 'refusal' }] };
}
