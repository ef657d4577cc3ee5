import { describe, expect, test } from '@jest/globals';
import type { Failure } from '../../src/failure.ts';
import { tellAnthropic, tellOpenAi } from '../../src/surfaces/errors.ts';

const now = Date.UTC(2026, 10, 20, 14, 2, 0);

describe('the envelope', () => {
  test('exhausted: the earliest true time, rounded up, with what ruled each candidate out', () => {
    const told = tellOpenAi(
      {
        kind: 'exhausted',
        message: 'no account can answer before 14:02:31Z',
        retryAt: now + 30_001,
        attempts: [{ provider: 'groq', account: 'work', model: 'm', outcome: 'rate-minute', sent: false, retryAt: now + 30_001, startedAt: now, endedAt: now }],
      },
      'req_1',
      now,
    );
    expect(told.status).toBe(429);
    expect(told.headers).toEqual({ 'retry-after': '31', 'retry-after-ms': '30001' });
    expect(told.body.error).toEqual({
      message: 'no account can answer before 14:02:31Z',
      type: 'rate_limit_error',
      param: null,
      code: 'all_accounts_exhausted',
      request_id: 'req_1',
      attempts: [{ provider: 'groq', account: 'work', model: 'm', reason: 'rate-minute', retry_at: '2026-11-20T14:02:30.001Z' }],
    });
  });

  test('a client is told not to try again where its own patience would be shorter than the truth', () => {
    expect(tellOpenAi({ kind: 'exhausted', message: '', retryAt: now + 61_000, attempts: [] }, 'r', now).headers).toMatchObject({ 'x-should-retry': 'false', 'retry-after': '61' });
    expect(tellOpenAi({ kind: 'exhausted', message: '', retryAt: now + 59_000, attempts: [] }, 'r', now).headers).not.toHaveProperty('x-should-retry');
  });

  test('a mistake of the caller names its field and is not worth repeating', () => {
    const told = tellOpenAi({ kind: 'invalid-request', message: 'n: too big', param: 'n' }, 'r', now);
    expect(told).toMatchObject({ status: 400, headers: { 'x-should-retry': 'false' }, body: { error: { type: 'invalid_request_error', param: 'n' } } });
  });

  test('an outage may be asked again, but not at once', () => {
    expect(tellOpenAi({ kind: 'unavailable', message: 'x', attempts: [] }, 'r', now)).toMatchObject({ status: 503, headers: {} });
    expect(tellOpenAi({ kind: 'unavailable', message: 'x', attempts: [], retryAt: now }, 'r', now).headers).toEqual({ 'retry-after': '1', 'retry-after-ms': '1000' });
  });

  test('what an account said when it was asked is not told again as what it rests for', () => {
    const said = { provider: 'groq', account: 'work', model: 'm', outcome: 'rate-minute', retryAt: now + 7_000, startedAt: now, endedAt: now };
    const other = { ...said, account: 'home', sent: false };
    expect(tellOpenAi({ kind: 'exhausted', message: 'x', attempts: [{ ...said, sent: true }, { ...said, sent: false }, other] }, 'r', now).body.error['attempts']).toMatchObject([{ account: 'work' }, { account: 'home' }]);
  });

  test.each<[string, Failure, string]>([
    ['of a provider', { kind: 'too-long', message: 'groq answered 413: too large' }, 'prompt is too long: groq answered 413: too large'],
    ['of nobody, because none has the room', { kind: 'not-capable', code: 'context_length_exceeded', message: 'no model has room' }, 'prompt is too long: no model has room'],
    ["in Anthropic's own words", { kind: 'too-long', message: 'Prompt is too long: 5 tokens > 4 maximum' }, 'Prompt is too long: 5 tokens > 4 maximum'],
    ['of another mistake', { kind: 'not-capable', message: 'no model can take images' }, 'no model can take images'],
  ])('Claude Code sees by its words that a conversation has become too long: %s', (_whose, failure, message) => {
    const { error } = tellAnthropic(failure, 'r', now).body;
    expect(error).toMatchObject({ type: 'invalid_request_error', message });
    expect(tellOpenAi(failure, 'r', now).body.error['code']).toBe(error['code']);
    expect(error['code'] === 'context_length_exceeded').toBe(/too long/i.test(message));
  });
});
