import { describe, expect, test } from '@jest/globals';
import type { WindowLimit } from '../../src/types.ts';
import { account, createHouse, model, provider, window } from './harness.ts';
import { type Outcome, type Upstream, load } from './upstream.ts';

const upstream = (windows: readonly WindowLimit[], rest: Partial<Upstream> = {}): Upstream => ({
  limits: { windows }, headers: [], jitter: [5, 75], answer: [200, 1500], prompt: [90, 120], admits: 'prompt', ...rest,
});

/** Spans of ten seconds, so that few calls show what many minutes would. */
const SPANS = 4;
const LIMIT = 8;
const limited = (limit: number, rest: Partial<WindowLimit> = {}): WindowLimit => window(limit, 10, rest);

async function run(known: readonly WindowLimit[], at: Upstream, clients = 10): Promise<Outcome> {
  const house = createHouse([provider('p', [model('m', { windows: known })])], [account('p', 'a')]);
  // Off the turn of a span.
  house.time.skip(2345);
  const outcome = await load(house, at, { clients, ms: SPANS * 10_000 });
  if (process.env['SHOW'] !== undefined) process.stdout.write(`${expect.getState().currentTestName}: ${JSON.stringify(outcome)}\n`);
  return outcome;
}

describe('out of one pool', () => {
  test.each([
    ['rolling' as const, LIMIT * SPANS],
    ['refill' as const, LIMIT * (SPANS + 1)],
    // The last period began just before the clock stopped.
    ['calendar' as const, LIMIT * (SPANS + 1)],
  ])('%s windows that are known: all of it, and nothing refused', async (kind, optimum) => {
    const windows = [limited(LIMIT, { kind })];
    const outcome = await run(windows, upstream(windows));
    expect(outcome).toMatchObject({ refused: 0, errors: 0 });
    // What is under way when the clock stops is not answered yet.
    expect(outcome.answered).toBeGreaterThanOrEqual(optimum - 2);
  });

  test.each(['rolling', 'calendar'] as const)('%s windows nobody told us: one refusal', async (kind) => {
    const windows = [limited(LIMIT, { kind })];
    const outcome = await run([], upstream(windows));
    expect(outcome).toMatchObject({ refused: 1, errors: 0 });
  });

  test('windows configured too low: headers lift them', async () => {
    const windows = [limited(LIMIT)];
    const outcome = await run([limited(2)], upstream(windows, { headers: windows }));
    expect(outcome.refused).toBe(0);
    expect(outcome.answered).toBeGreaterThanOrEqual(LIMIT * (SPANS - 1));
  });

  test('windows configured three times too high: one refusal sets them right', async () => {
    const windows = [limited(LIMIT)];
    const outcome = await run([limited(3 * LIMIT)], upstream(windows));
    expect(outcome).toMatchObject({ refused: 1, errors: 0 });
    expect(outcome.answered).toBeGreaterThanOrEqual(LIMIT * SPANS - 2);
  });

  test('a window that slides where a calendar was believed: found out by one call', async () => {
    const outcome = await run([limited(LIMIT, { kind: 'calendar' })], upstream([limited(LIMIT)]));
    expect(outcome.refused).toBeLessThanOrEqual(1);
    expect(outcome.answered).toBeGreaterThanOrEqual(LIMIT * SPANS - 2);
  });

  test('a network that jitters more than we thought: one refusal or two teach it', async () => {
    const windows = [limited(LIMIT)];
    const outcome = await run(windows, upstream(windows, { jitter: [5, 500] }));
    expect(outcome.refused).toBeLessThanOrEqual(2);
  });

  test.each([
    ['what the caller allows' as const, 30],
    ['only the prompt' as const, 30],
  ])('tokens, where upstream admits by %s', async (admits, least) => {
    const windows = [limited(2500, { unit: 'tokens', kind: 'refill' })];
    const outcome = await run(windows, upstream(windows, { headers: windows, admits: admits === 'only the prompt' ? 'prompt' : 'allowed' }));
    expect(outcome.refused).toBeLessThanOrEqual(1);
    expect(outcome.answered).toBeGreaterThanOrEqual(least);
  });
});
