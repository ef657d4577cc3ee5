/** Who is charged, how much, and for how long. */
import { describe, expect, test } from '@jest/globals';
import type { LimitsInput } from '../../src/sim/limits.ts';
import { ask, askJson, withSimulators } from './support.ts';

const groqLimits = (windows: NonNullable<NonNullable<LimitsInput['groq']>['rate_limit']>['windows'], rest: LimitsInput['groq'] = {}): LimitsInput => ({ groq: { rate_limit: { windows }, ...rest } });
const twice = [{ requests: 2, seconds: 10 }];

/** The limit a second call is told about. */
const limitNamed = async (window: { requests?: number; tokens?: number; seconds: number }): Promise<string> =>
  withSimulators({ limits: groqLimits([window]) }, async (simulators) => {
    await askJson(simulators);
    const { body } = await askJson(simulators);
    return / on ([a-z]+ per [^:]*): Limit/.exec(JSON.stringify(body))?.[1] ?? '';
  });

/** The answer to a call that fits only if the refusal before it cost nothing. */
const afterRefusal = async (refused: 'count' | 'ignore'): Promise<number> =>
  withSimulators({ limits: groqLimits(twice, { refused }) }, async (simulators) => {
    for (let call = 0; call < 3; call += 1) {
      await askJson(simulators);
      simulators.advance(1000);
    }
    simulators.advance(7500);
    return (await askJson(simulators)).status;
  });

describe('pools', () => {
  test('keys of one organisation share; accounts of their own do not; each model has its own', () =>
    withSimulators({ limits: groqLimits(twice) }, async (simulators) => {
      const status = async (key: string, model = 'openai/gpt-oss-20b'): Promise<number> => (await askJson(simulators, { key, body: { model } })).status;
      expect(await status('sim-groq-a.org-acme.')).toBe(200);
      expect(await status('gsk_whatever.org-acme.')).toBe(200);
      expect(await status('sim-groq-a.org-acme.')).toBe(429);
      expect(await status('sim-groq-a.org-acme.', 'openai/gpt-oss-120b')).toBe(200);
      expect(await status('sim-groq-b')).toBe(200);
      expect(simulators.calls({ organization: 'acme' })).toHaveLength(4);
      expect(simulators.calls({ account: 'a', status: 429 })).toHaveLength(1);
    }));

  test('models together, and an account with limits of its own', () =>
    withSimulators({ limits: groqLimits(twice, { models: 'together', accounts: [{ key: 'gsk_big', account: 'big', organization: 'acme', rate_limit: { windows: [{ requests: 3, seconds: 10 }] } }] }) }, async (simulators) => {
      const statuses = async (key: string): Promise<number[]> => {
        const models = ['openai/gpt-oss-20b', 'openai/gpt-oss-120b', 'qwen/qwen3.8-27b', 'openai/gpt-oss-20b'];
        const answers: number[] = [];
        for (const model of models) answers.push((await askJson(simulators, { key, body: { model } })).status);
        return answers;
      };
      expect(await statuses('sim-groq-a')).toEqual([200, 200, 429, 429]);
      expect(await statuses('gsk_big')).toEqual([200, 200, 200, 429]);
    }));
});

describe('groq', () => {
  test('says how long, by its own formula, and keeps its word', () =>
    withSimulators({ limits: groqLimits([{ requests: 30, seconds: 60, kind: 'refill' }]) }, async (simulators) => {
      for (let call = 0; call < 30; call += 1) await ask(simulators).then((response) => response.text());
      const refused = await askJson(simulators);
      expect(refused.headers.get('retry-after')).toBe('2');
      expect(refused.body).toEqual({
        error: {
          message: 'Rate limit reached for model `openai/gpt-oss-120b` in organization `org_alice` service tier `on_demand` on requests per minute (RPM): Limit 30, Used 30, Requested 1. Please try again in 2s. Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing',
          type: 'requests',
          code: 'rate_limit_exceeded',
        },
      });
      simulators.advance(1999);
      expect((await askJson(simulators)).status).toBe(429);
      simulators.advance(1);
      expect((await askJson(simulators)).status).toBe(200);
    }));

  test('the minute and the day, requests and tokens, each have a name', async () => {
    expect(await Promise.all([{ requests: 1, seconds: 60 }, { requests: 1, seconds: 86_400 }, { tokens: 50, seconds: 60 }, { tokens: 50, seconds: 86_400 }, { requests: 1, seconds: 10 }].map(limitNamed))).toEqual([
      'requests per minute (RPM)', 'requests per day (RPD)', 'tokens per minute (TPM)', 'tokens per day (TPD)', 'requests per minute (RPM)',
    ]);
  });

  test('corrects what was reserved to what was used', () => withSimulators({ limits: groqLimits([{ tokens: 8000, seconds: 60, kind: 'refill' }]) }, async (simulators) => {
    const { headers, body } = await askJson(simulators, { body: { max_tokens: 7000 } });
    const used = (body as { usage: { total_tokens: number } }).usage.total_tokens;
    expect(used).toBeLessThan(200);
    expect(headers.get('x-ratelimit-remaining-tokens')).toBe(String(8000 - used));
    expect(simulators.calls()[0]?.tokens).toBe(used);
  }));

  test('charges a stream what was reserved until it is over, then what it used', () => withSimulators({ limits: groqLimits([{ tokens: 8000, seconds: 60, kind: 'refill' }]) }, async (simulators) => {
    const stream = await ask(simulators, { body: { stream: true, max_tokens: 6000 } });
    expect(Number(stream.headers.get('x-ratelimit-remaining-tokens'))).toBeLessThan(2000);
    await stream.text();
    const tokens = (await simulators.callsUntil({ outcome: 'finished' }))[0]?.tokens ?? 0;
    expect(tokens).toBeLessThan(200);
    const { headers, body } = await askJson(simulators);
    expect(headers.get('x-ratelimit-remaining-tokens')).toBe(String(8000 - tokens - (body as { usage: { total_tokens: number } }).usage.total_tokens));
  }));

  test('has headers for the day’s requests and the minute’s tokens only', () => withSimulators({ limits: groqLimits([{ requests: 5, seconds: 10 }, { tokens: 5000, seconds: 3600 }]) }, async (simulators) => {
    const { headers } = await askJson(simulators);
    expect([...headers.keys()].filter((name) => name.startsWith('x-ratelimit'))).toEqual([]);
  }));
});

test('openrouter counts free models, and lets who has credits use the others', () =>
  withSimulators({ limits: { openrouter: { rate_limit: { requests_per_day: 1 }, accounts: [{ account: 'rich', credits: 20 }] } } }, async (simulators) => {
    const status = async (model: string): Promise<number> => (await askJson(simulators, { provider: 'openrouter', account: 'rich', body: { model } })).status;
    expect(await status('openai/gpt-4o')).toBe(200);
    expect(await status('openai/gpt-4o')).toBe(200);
    expect(await status('z-ai/glm-5.2:free')).toBe(200);
    expect(await status('z-ai/glm-5.2:free')).toBe(429);
  }));

describe('refusals and counting', () => {
  test('a refused call costs nothing unless it is told to', async () => {
    expect(await afterRefusal('ignore')).toBe(200);
    expect(await afterRefusal('count')).toBe(429);
  });

  test('calls that were refused for other reasons cost nothing; faulty answers do', () => withSimulators({ limits: groqLimits(twice) }, async (simulators) => {
    await askJson(simulators, { body: { n: 5 } });
    await simulators.misbehave({ times: 2, fault: { kind: 'refusal', name: 'server-error' }, provider: 'groq' });
    expect((await askJson(simulators)).status).toBe(500);
    expect((await askJson(simulators)).status).toBe(500);
    expect((await askJson(simulators)).status).toBe(429);
  }));

  test('no more in flight than allowed; a place frees as soon as a client leaves', () =>
    withSimulators({ limits: { cerebras: { rate_limit: { concurrent: 1 } } } }, async (simulators) => {
      await simulators.misbehave({ nth: 1, fault: { kind: 'silence', after: 1 } });
      const open = await ask(simulators, { provider: 'cerebras', body: { stream: true } });
      expect(await askJson(simulators, { provider: 'cerebras' })).toMatchObject({ status: 429, body: { code: 'queue_exceeded', param: 'queue' } });
      await open.body?.cancel();
      await simulators.callsUntil({ outcome: 'left' });
      expect((await askJson(simulators, { provider: 'cerebras' })).status).toBe(200);
    }));

  test('new limits begin with empty windows', () => withSimulators({ limits: groqLimits([{ requests: 1, seconds: 60 }]) }, async (simulators) => {
    await askJson(simulators);
    expect((await askJson(simulators)).status).toBe(429);
    simulators.setLimits({ groq: { rate_limit: { requests_per_minute: 2 } } });
    expect((await askJson(simulators)).status).toBe(200);
  }));

  test('a rolling limit met by many at once admits exactly what it allows', () =>
    withSimulators({ limits: groqLimits([{ requests: 7, seconds: 10 }]) }, async (simulators) => {
      await Promise.all(Array.from({ length: 20 }, () => askJson(simulators)));
      expect(simulators.calls({ status: 200 })).toHaveLength(7);
      expect(simulators.calls({ status: 429 })).toHaveLength(13);
    }));
});
