/** Bodies, headers and frames as they were recorded. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { faultsSchema } from '../../src/sim/fault-table.ts';
import { readLimits } from '../../src/sim/limits.ts';
import { MIDNIGHT, ask, askJson, eventsOf, keyOf, rawAsk, withSimulators } from './support.ts';

const get = async (url: string, key?: string) => {
  const response = await fetch(url, { headers: { 'user-agent': 'test/1', ...(key !== undefined && { authorization: `Bearer ${key}` }) } });
  const text = await response.text();
  const body: unknown = text.startsWith('{') ? JSON.parse(text) : text;
  return { status: response.status, type: response.headers.get('content-type'), body };
};

describe('groq', () => {
  const unauthorized = { error: { message: 'Invalid API Key', type: 'invalid_request_error', code: 'invalid_api_key' } };

  test('refuses a missing and a wrong key alike, on the list too', () => withSimulators({}, async (simulators) => {
    const models = `${simulators.baseUrls.groq}/models`;
    expect(await get(models)).toMatchObject({ status: 401, body: unauthorized });
    expect(await get(models, 'nonsense')).toMatchObject({ status: 401, body: unauthorized });
    expect((await get(models, 'gsk_abcdef')).status).toBe(200);
  }));

  test('names the url it does not know, whatever the verb', () => withSimulators({}, async (simulators) => {
    expect(await get(`${simulators.baseUrls.groq}/x`)).toMatchObject({
      status: 404,
      body: { error: { message: 'Unknown request URL: GET /openai/v1/x. Please check the URL for typos, or see the docs at https://console.groq.com/docs/', type: 'invalid_request_error', code: 'unknown_url' } },
    });
    expect((await get(`${simulators.baseUrls.groq}/chat/completions`, keyOf('groq', 'alice'))).status).toBe(404);
  }));

  test('an agent of a plain library meets the edge filter', () => withSimulators({}, async (simulators) => {
    const refused = await ask(simulators, { agent: 'Python-urllib/3.12' });
    expect([refused.status, await refused.text()]).toEqual([403, 'error code: 1010']);
  }));

  test.each([
    [{ logprobs: true }, '`logprobs` is not supported with this model'],
    [{ n: 2 }, "'n' : number must be at most 1"],
    [{ max_tokens: 70_000 }, '`max_tokens` must be less than or equal to `65536`, the maximum value for `max_tokens` is less than the `context_window` for this model'],
    [{ model: 'mixtral-8x7b-32768' }, 'The model `mixtral-8x7b-32768` has been decommissioned and is no longer supported.'],
  ])('refuses %j', (body, message) => withSimulators({}, async (simulators) => {
    expect(await askJson(simulators, { body })).toMatchObject({ status: 400, body: { error: { message, type: 'invalid_request_error' } } });
  }));

  test('tells the day’s requests and the minute’s tokens, refilling', () => withSimulators({}, async (simulators) => {
    const { headers, body } = await askJson(simulators);
    const used = (body as { usage: { total_tokens: number } }).usage.total_tokens;
    expect(headers.get('x-ratelimit-limit-requests')).toBe('1000');
    expect(headers.get('x-ratelimit-remaining-requests')).toBe('999');
    expect(headers.get('x-ratelimit-reset-requests')).toBe('1m26.4s');
    expect(headers.get('x-ratelimit-remaining-tokens')).toBe(String(8000 - used));
    expect(headers.get('x-ratelimit-reset-tokens')).toBe(`${Math.ceil((used / 8000) * 60_000)}ms`);
    expect(headers.get('x-request-id')).toMatch(/^req_01/);
  }));

  test('streams usage in x_groq and beside it, unasked, on the last chunk', () => withSimulators({}, async (simulators) => {
    const events = eventsOf(await (await ask(simulators, { body: { stream: true } })).text());
    expect(events[0]).toMatchObject({ choices: [{ delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }], x_groq: { id: expect.stringMatching(/^req_/), seed: expect.any(Number) } });
    const last = events.at(-2) as { usage: unknown };
    expect(last).toMatchObject({ choices: [{ delta: {}, finish_reason: 'stop' }], x_groq: { usage: last.usage }, usage: { queue_time: expect.any(Number) } });
    expect(events.at(-1)).toBe('[DONE]');
    const asked = eventsOf(await (await ask(simulators, { body: { stream: true, stream_options: { include_usage: true } } })).text());
    expect(asked.at(-2)).toMatchObject({ choices: [], usage: last.usage });
  }));

  test('sends tool calls whole, with ids of nine characters', () => withSimulators({}, async (simulators) => {
    const tools = [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }];
    const text = await (await ask(simulators, { body: { stream: true, tools, tool_choice: 'required' } })).text();
    const calls = eventsOf(text).filter((event) => JSON.stringify(event).includes('tool_calls":['));
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({ choices: [{ delta: { tool_calls: [{ index: 0, id: expect.stringMatching(/^.{9}$/), function: { name: 'get_weather', arguments: '{"city":"Why is the sky blue?"}' } }] } }] });
  }));

  test('asks nobody to wait for what can never fit', () => withSimulators({}, async (simulators) => {
    const { status, headers, body } = await askJson(simulators, { body: { max_tokens: 12_000 } });
    expect(status).toBe(413);
    expect(headers.get('retry-after')).toBe('65');
    expect(body).toMatchObject({ error: { type: 'tokens', code: 'rate_limit_exceeded', message: expect.stringMatching(/^Request too large for model `openai\/gpt-oss-120b` in organization `org_alice` service tier `on_demand` on tokens per minute \(TPM\): Limit 8000, Requested 12\d\d\d, please reduce/) } });
  }));
});

describe('cerebras', () => {
  test('tells a missing key from a wrong one, and an unknown path by nothing at all', () => withSimulators({}, async (simulators) => {
    const models = `${simulators.baseUrls.cerebras}/models`;
    expect(await get(models)).toMatchObject({ status: 403, body: { detail: 'Not authenticated' } });
    expect(await get(models, 'nonsense')).toMatchObject({ status: 401, body: { message: 'Wrong API Key', type: 'invalid_request_error', param: 'api_key', code: 'wrong_api_key' } });
    expect(await get(`${simulators.baseUrls.cerebras}/x`)).toEqual({ status: 404, type: 'text/plain; charset=utf-8', body: '' });
  }));

  test('lists in three formats', () => withSimulators({}, async (simulators) => {
    const list = async (format: string): Promise<unknown> => ((await get(`${simulators.baseUrls.cerebras}/models?format=${format}`, keyOf('cerebras', 'alice'))).body as { data: unknown[] }).data[0];
    expect(await list('default')).toEqual({ id: 'gpt-oss-120b', object: 'model', created: 0, owned_by: 'Cerebras' });
    expect(await list('openrouter')).toMatchObject({ pricing: { prompt: '0.00000035' } });
    expect(await list('huggingface')).toMatchObject({ pricing: { input: 0.35, output: 0.75 } });
  }));

  test('shows six windows in float seconds, charged by what the answer may need', () => withSimulators({ now: () => MIDNIGHT + 1_500 }, async (simulators) => {
    const { headers, body } = await askJson(simulators, { provider: 'cerebras', body: { max_completion_tokens: 5000 } });
    const prompt = (body as { usage: { prompt_tokens: number } }).usage.prompt_tokens;
    expect(Object.fromEntries([...headers].filter(([name]) => name.startsWith('x-ratelimit')))).toEqual({
      'x-ratelimit-limit-requests-minute': '5', 'x-ratelimit-remaining-requests-minute': '4', 'x-ratelimit-reset-requests-minute': '58.5',
      'x-ratelimit-limit-requests-hour': '150', 'x-ratelimit-remaining-requests-hour': '149', 'x-ratelimit-reset-requests-hour': '3598.5',
      'x-ratelimit-limit-requests-day': '2400', 'x-ratelimit-remaining-requests-day': '2399', 'x-ratelimit-reset-requests-day': '86398.5',
      'x-ratelimit-limit-tokens-minute': '30000', 'x-ratelimit-remaining-tokens-minute': String(25_000 - prompt), 'x-ratelimit-reset-tokens-minute': '58.5',
      'x-ratelimit-limit-tokens-hour': '1000000', 'x-ratelimit-remaining-tokens-hour': String(2_995_000 - prompt), 'x-ratelimit-reset-tokens-hour': '3598.5',
      'x-ratelimit-limit-tokens-day': '1000000', 'x-ratelimit-remaining-tokens-day': String(995_000 - prompt), 'x-ratelimit-reset-tokens-day': '86398.5',
    });
  }));

  test('refuses flat, and without the windows', () => withSimulators({}, async (simulators) => {
    for (let call = 0; call < 5; call += 1) expect((await askJson(simulators, { provider: 'cerebras' })).status).toBe(200);
    const { status, headers, body } = await askJson(simulators, { provider: 'cerebras' });
    expect(status).toBe(429);
    expect(body).toEqual({ message: 'Requests per minute limit exceeded - too many requests sent.', type: 'too_many_requests_error', param: 'quota', code: 'request_quota_exceeded' });
    expect([headers.get('retry-after'), headers.get('x-ratelimit-limit-requests-day')]).toEqual(['60', null]);
  }));

  test('has usage and time_info on the last chunk', () => withSimulators({}, async (simulators) => {
    const events = eventsOf(await (await ask(simulators, { provider: 'cerebras', body: { stream: true } })).text());
    expect(events.at(-2)).toMatchObject({ choices: [{ delta: {}, finish_reason: 'stop' }], usage: { prompt_tokens: expect.any(Number) }, time_info: { queue_time: expect.any(Number), created: MIDNIGHT / 1000 } });
    expect(events.filter((event) => typeof event === 'object' && event !== null && 'usage' in event)).toHaveLength(1);
  }));

  test('lists models for an account that must pay before it may chat', () =>
    withSimulators({ limits: { cerebras: { accounts: [{ account: 'spent', credits: 0 }] } } }, async (simulators) => {
      expect((await get(`${simulators.baseUrls.cerebras}/models`, keyOf('cerebras', 'spent'))).status).toBe(200);
      expect(await askJson(simulators, { provider: 'cerebras', account: 'spent' })).toMatchObject({ status: 402, body: { code: 'payment_required', param: 'quota' } });
    }));

  test('has no content at all where thinking took the whole budget', () => withSimulators({}, async (simulators) => {
    const { body } = await askJson(simulators, { provider: 'cerebras', body: { max_completion_tokens: 3 } });
    expect(body).toMatchObject({ choices: [{ finish_reason: 'length', message: { reasoning: 'The user wants' } }] });
    expect(JSON.stringify(body)).not.toContain('"content"');
  }));
});

describe('openrouter', () => {
  test('lists without a key, with prices as strings, and free ones that are not', () => withSimulators({}, async (simulators) => {
    const { status, body } = await get(`${simulators.baseUrls.openrouter}/models`);
    const { data } = body as { data: { id: string; pricing: Record<string, string> }[] };
    expect(status).toBe(200);
    expect(data.find(({ id }) => id === 'z-ai/glm-5.2:free')?.pricing).toEqual({ prompt: '0', completion: '0', request: '0', image: '0' });
    expect(data.find(({ id }) => id === 'example/costly:free')?.pricing['prompt']).toBe('0.0000001');
    expect(data.map(({ id }) => id)).not.toContain('nvidia/nemotron-embed-1b:free');
  }));

  test('refuses keys by two different names', () => withSimulators({}, async (simulators) => {
    const key = `${simulators.baseUrls.openrouter}/key`;
    expect(await get(key)).toMatchObject({ status: 401, body: { error: { message: 'No cookie auth credentials found', code: 401 } } });
    expect(await get(key, 'nonsense')).toMatchObject({ status: 401, body: { error: { message: 'User not found.', code: 401 } } });
  }));

  test('has no rate headers on a 200, a generation id, and a host', () => withSimulators({}, async (simulators) => {
    const { headers, body } = await askJson(simulators, { provider: 'openrouter' });
    expect([...headers.keys()].filter((name) => name.startsWith('x-ratelimit'))).toEqual([]);
    expect(headers.get('x-generation-id')).toBe((body as { id: string }).id);
    expect(body).toMatchObject({ id: expect.stringMatching(/^gen-\d+-/), provider: expect.any(String), choices: [{ native_finish_reason: 'stop', message: { refusal: null } }], usage: { cost: 0 } });
  }));

  test('keeps a stream alive by comments, repeats the role, and ends with usage in either form', () => withSimulators({}, async (simulators) => {
    const texts = [await (await ask(simulators, { provider: 'openrouter', body: { stream: true } })).text(), await (await ask(simulators, { provider: 'openrouter', body: { stream: true } })).text()];
    const [odd = [], even = []] = texts.map((text) => eventsOf(text));
    expect(texts[0]).toMatch(/^: OPENROUTER PROCESSING\n\n/);
    expect(odd.slice(0, -2).every((event) => JSON.stringify(event).includes('"role":"assistant"'))).toBe(true);
    expect(odd.at(-2)).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) } });
    expect(even.at(-2)).toMatchObject({ choices: [{ finish_reason: 'stop' }], usage: { completion_tokens: expect.any(Number) } });
  }));

  test('caps the free models together: by the minute, then by the day', () => withSimulators({}, async (simulators) => {
    const asked = (model: string) => askJson(simulators, { provider: 'openrouter', body: { model } });
    for (let call = 0; call < 20; call += 1) expect((await asked(call % 2 === 0 ? 'z-ai/glm-5.2:free' : 'google/gemma-4-31b-it:free')).status).toBe(200);
    const minute = await asked('z-ai/glm-5.2:free');
    expect(minute.status).toBe(429);
    expect(minute.headers.get('x-ratelimit-reset')).toBe(String(MIDNIGHT + 60_000));
    expect(minute.body).toMatchObject({ error: { message: expect.stringMatching(/^Rate limit exceeded: free-models-per-min/), code: 429, metadata: { headers: { 'X-RateLimit-Limit': '20', 'X-RateLimit-Remaining': '0' } } } });
    for (let call = 20; call < 50; call += 1) {
      if (call % 20 === 0) simulators.advance(60_000);
      expect((await asked('z-ai/glm-5.2:free')).status).toBe(200);
    }
    const day = await asked('poolside/laguna-s-2.1:free');
    expect(day.headers.get('x-ratelimit-reset')).toBe(String(MIDNIGHT + 86_400_000));
    expect(day.body).toEqual({
      error: {
        message: 'Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day',
        code: 429,
        metadata: { headers: { 'X-RateLimit-Limit': '50', 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(MIDNIGHT + 86_400_000) }, provider_name: null, limit_source: 'openrouter_free_tier_daily' },
      },
      user_id: 'user_alice',
    });
  }));

  test('tells the day’s quota at /key, which may lag', () => withSimulators({ limits: { openrouter: { lag: 5000 } } }, async (simulators) => {
    const quota = async (): Promise<unknown> => ((await get(`${simulators.baseUrls.openrouter}/key`, keyOf('openrouter', 'alice'))).body as { data: { free_model_daily_requests: unknown } }).data.free_model_daily_requests;
    expect(await quota()).toEqual({ limit: 50, remaining: 50, used: 0 });
    await askJson(simulators, { provider: 'openrouter' });
    expect(await quota()).toEqual({ limit: 50, remaining: 50, used: 0 });
    simulators.advance(5000);
    expect(await quota()).toEqual({ limit: 50, remaining: 49, used: 1 });
  }));

  test.each([
    [{ model: 'no/such:free' }, 400, 'no/such:free is not a valid model ID'],
    [{ messages: [] }, 400, 'Input required: specify "prompt" or "messages"'],
    [{ model: 'openai/gpt-4o' }, 402, 'Insufficient credits. Add more using https://openrouter.ai/settings/credits'],
    [{ model: 'openrouter/auto' }, 402, 'Insufficient credits. Add more using https://openrouter.ai/settings/credits'],
    [{ provider: { data_collection: 'deny' } }, 404, 'No endpoints found matching your data policy (Free model training). Configure: https://openrouter.ai/settings/privacy'],
    [{ model: 'thinkingmachines/inkling:free' }, 403, 'thinkingmachines/inkling:free is only available on agentic harnesses. Try plugging it into a coding agent or productivity app listed on https://openrouter.ai/apps'],
  ])('refuses %j with %i', (body, status, message) => withSimulators({}, async (simulators) => {
    expect(await askJson(simulators, { provider: 'openrouter', body })).toMatchObject({ status, body: { error: { message, code: status }, user_id: 'user_alice' } });
  }));
});

test('every refusal of every provider can be played', () => withSimulators({ limits: { groq: { rate_limit: {} } } }, async (simulators) => {
  for (const [provider, refusals] of Object.entries(simulators.refusals)) {
    for (const name of refusals) {
      const undo = await simulators.misbehave({ provider: provider as 'groq', fault: { kind: 'refusal', name } });
      const { text } = await rawAsk(simulators, { provider: provider as 'groq' });
      expect(`${provider} ${name}: ${text.slice(0, 12)}`).toMatch(/: HTTP\/1\.1 [45]\d\d$/);
      await undo();
    }
  }
}));

test('limits that are not understood are told', () => {
  expect(() => readLimits({ grok: {} })).toThrow(/grok/);
  expect(() => readLimits({ groq: { rate_limit: { windows: [{ requests: 5, tokens: 5, seconds: 10 }] } } })).toThrow(/either requests, tokens or audio_seconds/);
});

test('the limits and faults in the documents are understood', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'simulators.md'), 'utf8');
  const [limits = '', faults = ''] = [...page.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text);
  expect(readLimits(parse(limits)).groq.accounts).toHaveLength(2);
  expect(faultsSchema.parse(parse(faults)).faults).toHaveLength(3);
});
