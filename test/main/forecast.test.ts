import { expect, test } from '@jest/globals';
import { tellForecasts } from '../../src/main/forecast.ts';
import { account, createHouse, model, provider, window } from '../accounts/harness.ts';

const HOUR = 3_600_000;

test('quota that will not last is told once in its period, per pool and not per account', async () => {
  const day = provider('p', [model('m', { windows: [window(400, 86_400, { kind: 'calendar' })] })], { quotaScope: 'organization' });
  const house = createHouse([day], [account('p', 'a', { organization: 'acme' }), account('p', 'b', { organization: 'acme' })]);
  const stop = tellForecasts({ view: () => house.accounts.view(), now: house.time.now, after: house.time.after, emit: (event) => house.events.push(event) });
  const told = () => house.events.flatMap((event) => (event.type === 'notice' && event.message.includes('used up') ? [event.message] : []));
  for (let call = 0; call < 240; call += 1) {
    (await house.ask()).settle(undefined);
    await house.time.advance(60_000);
  }
  expect(told()).toHaveLength(1);
  expect(told()[0]).toMatch(/^the requests of p\/organization:acme for m will be used up by 2026-03-10T1\d:\d\dZ at the pace of the last hour, and come back by 2026-03-11T00:00Z; spread the load, or add an account$/);
  // The day after, a slow hour lasts; a fast one is told again.
  await house.time.advance(12 * HOUR);
  expect(told()).toHaveLength(1);
  for (let call = 0; call < 90; call += 1) {
    (await house.ask()).settle(undefined);
    await house.time.advance(30_000);
  }
  expect(told()).toHaveLength(2);
  stop();
  await house.time.advance(24 * HOUR);
});

test('quota that lasts is not told of', async () => {
  const house = createHouse([provider('p', [model('m', { windows: [window(2000, 86_400, { kind: 'calendar' })] })])], [account('p', 'a')]);
  const stop = tellForecasts({ view: () => house.accounts.view(), now: house.time.now, after: house.time.after, emit: (event) => house.events.push(event) });
  for (let call = 0; call < 120; call += 1) {
    (await house.ask()).settle(undefined);
    await house.time.advance(60_000);
  }
  expect(house.events).toEqual([]);
  stop();
});
