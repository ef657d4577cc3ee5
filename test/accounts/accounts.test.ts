import { describe, expect, test } from '@jest/globals';
import { account, createHouse, model, provider, state, window } from './harness.ts';

const groq = provider('groq', [model('m', { windows: [window(3)] })]);

describe('whose turn it is', () => {
  test('accounts alternate, even to one call', async () => {
    const house = createHouse([groq], [account('groq', 'a'), account('groq', 'b'), account('groq', 'c')]);
    const labels: string[] = [];
    for (let turn = 0; turn < 9; turn += 1) labels.push((await house.ask()).account.label);
    expect(labels).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a', 'b', 'c']);
  });

  test('a spent account is not asked; the next candidate is', async () => {
    const other = provider('cerebras', [model('m', { windows: [window(3)] })]);
    const house = createHouse([groq, other], [account('groq', 'a'), account('cerebras', 'b')]);
    const providers: string[] = [];
    for (let turn = 0; turn < 6; turn += 1) providers.push((await house.ask()).account.provider);
    expect(providers).toEqual(['groq', 'groq', 'groq', 'cerebras', 'cerebras', 'cerebras']);
  });

  test('two keys of one organisation are one pool', async () => {
    const scoped = provider('groq', groq.models, { quotaScope: 'organization' });
    const house = createHouse([scoped], [account('groq', 'a', { organization: 'acme' }), account('groq', 'b', { organization: 'acme' })]);
    const labels: string[] = [];
    for (let turn = 0; turn < 3; turn += 1) labels.push((await house.ask()).account.label);
    expect(labels).toEqual(['a', 'b', 'a']);
    const refusal = await house.refusal({ request: { deadline: house.time.now() } });
    expect(refusal).toMatchObject({ kind: 'exhausted', retryAt: house.time.now() + 60_150, attempts: [{ provider: 'groq', outcome: 'rate-minute', sent: false }] });
  });

  test('a waiter goes the moment the window frees', async () => {
    const house = createHouse([groq], [account('groq', 'a')]);
    for (let turn = 0; turn < 3; turn += 1) await house.ask();
    const waiting = house.ask({ request: { deadline: house.time.now() + 120_000 } });
    await house.time.advance(60_149);
    expect(await state(waiting, house)).toBe('waiting');
    await house.time.advance(1);
    expect(await state(waiting, house)).toBe('served');
    expect((await waiting).queuedMs).toBe(60_150);
  });
});
