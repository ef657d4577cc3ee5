/** The files in `config/`: what they promise. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { loadCatalogue } from '../../src/config/catalogue.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { dialects } from '../../src/providers/dialects.ts';
import type { Capability, Provider, WindowLimit } from '../../src/types.ts';

const read = (name: string) => readFileSync(join(import.meta.dirname, '../../config', name), 'utf8');

const shortly = ({ unit, limit, seconds, kind, timeZone }: WindowLimit) => [`${limit} ${unit}/${seconds}s`, kind, timeZone].filter((part) => part !== undefined).join(' ');

/** Names of the values a mapping holds, however deep. */
const keys = (value: unknown): string[] => (
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value).flatMap(([key, inner]) => [key, ...keys(inner)]) : []);

describe('config/tollfree.yaml', () => {
  const text = read('tollfree.yaml');

  test('says what holds without it', () => expect(loadSettings(text, 'config/tollfree.yaml')).toEqual(loadSettings('', 'empty')));

  test('lists every key there is', () => {
    expect(keys(parse(text))).toHaveLength(keys(loadSettings('', 'empty')).length);
  });

  test('has a line on every key', () => {
    const settings = text.split('\n').filter((line) => /^ *\w+: *\S/.test(line));
    expect(settings.filter((line) => !/ # \S/.test(line))).toEqual([]);
    expect(settings.length).toBeGreaterThan(20);
  });
});

describe('config/providers.yaml', () => {
  const { providers } = loadCatalogue(read('providers.yaml'), 'config/providers.yaml', { dialects: [...dialects.keys()] });
  const all = [...providers.values()];
  const provider = (name: string): Provider => {
    const found = providers.get(name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };
  const holders = (alias: string) => all.filter(({ models }) => models.some(({ name, aliases }) => name === alias || aliases.includes(alias))).map(({ name }) => name);
  const able = (capability: Capability) => all.flatMap(({ name, models }) => models.filter(({ capabilities, price }) => capabilities.includes(capability) && price.input === 0).map((model) => `${name}/${model.name}`));
  const windowsOf = (name: string, model: string) => provider(name).models.find((each) => each.name === model)?.limits.windows.map(shortly);

  /** Never chosen by `auto`. */
  const paid = new Set(['openai', 'anthropic', 'azure', 'xai', 'perplexity', 'together', 'blackbox']);

  test('every provider has an https destination or is this machine, a way in and a name for people', () => {
    expect(all.length).toBeGreaterThan(30);
    for (const { baseUrl, title, status, signUpUrl } of all) {
      expect(baseUrl).toMatch(/^(?:https:\/\/[^?#]+|http:\/\/localhost:\d+\/v1)$/);
      expect(baseUrl).not.toMatch(/\/$/);
      expect(title).not.toBe('');
      expect(status === 'retired' || signUpUrl?.startsWith('https://') === true).toBe(true);
    }
  });

  test('what is for money has its price', () => {
    // OpenAI moderates free of charge.
    for (const { price } of [...paid].flatMap((name) => provider(name).models.filter(({ capabilities }) => !capabilities.includes('moderation')))) expect(price.input).toBeGreaterThan(0);
  });

  test('what else carries a price carries zero: auto picks nothing else', () => {
    for (const { name, models } of all.filter((each) => !paid.has(each.name))) {
      for (const { name: model, price } of models) {
        expect([name, model, price.input ?? 0, price.output ?? 0]).toEqual([name, model, 0, 0]);
        expect(price.input).toBe(price.output);
        expect(price.listInput === undefined).toBe(price.listOutput === undefined);
      }
    }
  });

  test('no model of a credit that may become a bill is known to be free', () => {
    for (const name of ['huggingface', 'wandb', 'fireworks', 'dashscope-intl', 'scaleway', 'ovhcloud', 'pollinations']) {
      expect(provider(name).models.filter(({ price }) => price.input !== undefined)).toEqual([]);
    }
  });

  test('retired providers offer nothing', () => {
    expect(all.filter(({ status }) => status === 'retired').map(({ name, models }) => [name, models])).toEqual([['github-models', []]]);
  });

  test('what providers take otherwise than OpenAI is written down', () => {
    const told = (name: string): unknown => ({ dialect: provider(name).dialect, rename: provider(name).rename });
    expect(['openrouter', 'gemini', 'mistral', 'mistral-codestral', 'cloudflare', 'ollama', 'ollama-cloud', 'anthropic', 'azure'].map((name) => provider(name).dialect)).toEqual(['openrouter', 'gemini-openai', 'mistral', 'mistral', 'cloudflare', 'ollama', 'ollama', 'anthropic', 'azure']);
    expect(told('mistral')).toMatchObject({ rename: { seed: 'random_seed', max_completion_tokens: 'max_tokens' } });
    for (const name of ['openai', 'azure']) expect(told(name)).toMatchObject({ rename: { max_tokens: 'max_completion_tokens' } });
    for (const name of ['groq', 'cerebras']) expect(provider(name).omit).toEqual(expect.arrayContaining(['messages.reasoning_content', 'messages.refusal']));
    for (const name of ['groq', 'anthropic']) expect(provider(name).omit).toContain('messages.name');
    expect(provider('mistral').rename).toMatchObject({ seed: 'random_seed', dimensions: 'output_dimension' });
    // OpenAI's agents send these unasked, and a refused call of twenty a day is a call.
    expect(provider('gemini').omit).toEqual(expect.arrayContaining(['store', 'metadata']));
    // What needs a token made elsewhere says so.
    expect(provider('watsonx').notes).toContain('API keys are not supported');
  });

  test('Groq counts each model by itself, days and token minutes refilling', () => {
    expect(provider('groq')).toMatchObject({ quotaScope: 'organization', limits: { windows: [] }, keyCheckPath: '/models', keyPrefix: 'gsk_' });
    expect(windowsOf('groq', 'openai/gpt-oss-120b')).toEqual(['30 requests/60s rolling', '1000 requests/86400s refill', '8000 tokens/60s refill', '200000 tokens/86400s rolling']);
    expect(provider('groq').omit).toEqual(expect.arrayContaining(['logprobs', 'top_logprobs', 'logit_bias', 'metadata', 'store']));
  });

  test('Cerebras counts each model by itself, all windows rolling', () => {
    expect(provider('cerebras')).toMatchObject({ status: 'trial', quotaScope: 'organization', limits: { windows: [] } });
    expect(windowsOf('cerebras', 'gpt-oss-120b')).toEqual([
      '5 requests/60s rolling', '150 requests/3600s rolling', '2400 requests/86400s rolling', '30000 tokens/60s rolling', '1000000 tokens/3600s rolling', '1000000 tokens/86400s rolling',
    ]);
  });

  test('OpenRouter counts all free models together, the day turning at midnight UTC', () => {
    const { limits, quotaScope, keyCheckPath, models } = provider('openrouter');
    expect(limits.windows.map(shortly)).toEqual(['20 requests/60s rolling', '50 requests/86400s calendar UTC']);
    expect({ quotaScope, keyCheckPath }).toEqual({ quotaScope: 'account', keyCheckPath: '/key' });
    for (const { name, limits: own } of models) {
      expect(name).toMatch(/:free$|^openrouter\/free$/);
      expect(own).toEqual({ windows: [] });
    }
  });

  test('Gemini counts by project, the day turning at midnight in California', () => {
    expect(provider('gemini').quotaScope).toBe('project');
    expect(windowsOf('gemini', 'gemini-3.1-flash-lite')).toEqual(['250000 tokens/60s rolling', '15 requests/60s rolling', '500 requests/86400s calendar America/Los_Angeles']);
  });

  test('what each of the other surfaces finds for nothing', () => {
    expect(able('transcription')).toEqual(['groq/whisper-large-v3-turbo', 'groq/whisper-large-v3', 'mistral/voxtral-mini-latest']);
    expect(able('speech')).toEqual(['groq/canopylabs/orpheus-v1-english']);
    expect(able('moderation')).toEqual(['mistral/mistral-moderation-latest', 'openai/omni-moderation-latest']);
    expect(able('embeddings')).toEqual(expect.arrayContaining(['gemini/gemini-embedding-001', 'mistral/mistral-embed', 'cloudflare/@cf/baai/bge-m3', 'cohere/embed-v4.0']));
    expect(able('image_generation')).toEqual([]);
  });

  test('Groq listens by the second of sound', () => {
    expect(windowsOf('groq', 'whisper-large-v3')).toEqual(expect.arrayContaining(['20 requests/60s rolling', '2000 requests/86400s refill', '7200 audio_seconds/3600s refill', '28800 audio_seconds/86400s rolling']));
    expect(windowsOf('groq', 'canopylabs/orpheus-v1-english')).toEqual(expect.arrayContaining(['10 requests/60s rolling', '1200 tokens/60s refill', '3600 tokens/86400s rolling']));
  });

  test('one name leads to the same model at several providers', () => {
    expect(holders('gpt-oss-120b')).toEqual(expect.arrayContaining(['groq', 'cerebras', 'cloudflare', 'ollama-cloud']));
    expect(holders('qwen3.8-27b')).toEqual(expect.arrayContaining(['groq', 'cerebras']));
  });
});
