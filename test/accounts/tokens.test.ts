import { describe, expect, test } from '@jest/globals';
import { START, account, createHouse, type House, model, provider, window } from './harness.ts';

const header = (remaining: number, limit = 1000) => [{ unit: 'tokens' as const, seconds: 60, limit, remaining, source: 'header' as const }];
const used = (house: House): number | undefined => house.accounts.view()[0]?.windows.find(({ unit }) => unit === 'tokens')?.used;

describe('tokens that were reserved and not used', () => {
  const told = provider('p', [model('m', { windows: [window(1000, 60, { unit: 'tokens' })] })]);
  const large = provider('p', [model('m', { windows: [window(10_000, 60, { unit: 'tokens' })] })]);
  const ask = { request: { promptTokens: 100, maxOutput: 200, deadline: START } };

  const asked = async (house: House, remaining: number): Promise<void> => {
    const lease = await house.ask(ask);
    lease.learn(header(remaining, 10_000));
    lease.settle({ input: 100, output: 50 });
  };
  /** What the next call costs in the end, where nothing is told that would set it right. */
  const costsNext = async (house: House): Promise<number> => {
    const before = used(house) ?? 0;
    const lease = await house.ask(ask);
    lease.learn([{ unit: 'tokens', seconds: 60, limit: 10_000, source: 'header' }]);
    lease.settle({ input: 100, output: 50 });
    return (used(house) ?? 0) - before;
  };
  /** Each answer has given back 150 when the next is asked for. */
  const givesBack = [9700, 9550, 9400, 9250, 9100];

  test('stay counted where upstream tells its tokens, until it has shown often enough that it gives them back', async () => {
    const house = createHouse([large], [account('p', 'a')]);
    for (const remaining of givesBack.slice(0, -1)) await asked(house, remaining);
    expect(await costsNext(house)).toBe(300);
    await asked(house, 8950);
    expect(await costsNext(house)).toBe(150);
  });

  test('stay counted again once a refusal shows that too few were', async () => {
    const house = createHouse([large], [account('p', 'a')]);
    for (const remaining of givesBack) await asked(house, remaining);
    expect(await costsNext(house)).toBe(150);
    (await house.ask(ask)).fail({ kind: 'rate-minute', message: 'no', retryAt: START + 1, facts: [{ unit: 'tokens', seconds: 60, source: 'refusal' }] });
    house.time.skip(1);
    expect(await costsNext(house)).toBe(300);
  });

  test('stay counted for good where upstream keeps them', async () => {
    const house = createHouse([told], [account('p', 'a')]);
    for (const remaining of [700, 400, 100]) {
      const lease = await house.ask(ask);
      lease.learn(header(remaining));
      lease.settle({ input: 100, output: 50 });
    }
    expect(used(house)).toBe(900);
    expect(await house.refusal(ask)).toMatchObject({ kind: 'exhausted' });
  });

  test('are given back at once where upstream never tells, and the next reserves what is usual', async () => {
    const house = createHouse([told], [account('p', 'a')]);
    (await house.ask(ask)).settle({ input: 100, output: 50 });
    expect(used(house)).toBe(150);
    (await house.ask({ request: { promptTokens: 100, maxOutput: 800, deadline: START } })).settle({ input: 100, output: 50 });
    expect(used(house)).toBe(300);
  });
});

const asking = (promptTokens: number) => ({ request: { promptTokens, maxOutput: 200 } });

describe('tokens of calls under way', () => {
  const large = provider('p', [model('m', { windows: [window(10_000, 60, { unit: 'tokens' })] })]);

  test('that may be unseen are no fewer because an older call turned out to be small', async () => {
    const house = createHouse([large], [account('p', 'a')]);
    const old = await house.ask(asking(5000));
    old.learn([]);
    const told = await house.ask(asking(1000));
    house.time.skip(500);
    await house.ask(asking(1000));
    old.settle({ input: 100, output: 50 });
    const counted = used(house);
    // The third had not reached upstream when it said so.
    told.learn(header(10_000 - 150 - 1200, 10_000));
    expect(used(house)).toBe(counted);
  });

  test('that were guessed too high are taken off once: by upstream’s lower number, or when they end', async () => {
    const house = createHouse([large], [account('p', 'a')]);
    const guessed = await house.ask(asking(5000));
    guessed.learn(header(7000, 10_000));
    house.time.skip(100);
    const next = await house.ask(asking(100));
    next.learn(header(10_000 - 3000 - 300, 10_000));
    guessed.settle({ input: 2800, output: 200 });
    expect(used(house)).toBeGreaterThanOrEqual(3000 + 300);
  });
});

test('a prompt that fits the whole window, if it is counted as most are, is no prompt too large', async () => {
  const house = createHouse([provider('p', [model('m', { windows: [window(1000, 60, { unit: 'tokens' })] })])], [account('p', 'a')]);
  (await house.ask({ request: { promptTokens: 100, maxOutput: 0 } })).settle({ input: 100, output: 0 });
  const large = { request: { promptTokens: 900, maxOutput: 0 } };
  expect(await house.refusal(large)).toMatchObject({ kind: 'exhausted' });
  house.time.skip(61_000);
  await house.ask(large);
  expect(used(house)).toBe(1000);
  expect(await house.refusal({ request: { promptTokens: 1001, maxOutput: 0 } })).toMatchObject({ kind: 'too-large' });
});
