/** Who could answer, in which order, and what is said when nobody can. */
import { describe, expect, test } from '@jest/globals';
import { FailureError } from '../../src/failure.ts';
import type { Failure } from '../../src/failure.ts';
import { candidates } from '../../src/routing/candidates.ts';
import type { CandidateOptions } from '../../src/routing/candidates.ts';
import type { Catalogue, ChatRequest, Model, Rule } from '../../src/types.ts';
import { asking, catalogueOf, model, provider, rule } from './requests.ts';

const coder = { capabilities: ['text_generation', 'code_generation', 'tools', 'json_schema'] } as const;
const seer = { capabilities: ['text_generation', 'vision'] } as const;

const catalogue = catalogueOf(
  provider('groq', [model('openai/gpt-oss-120b', { aliases: ['gpt-oss-120b'], context: 131_072, ...coder }), model('qwen/qwen3', seer)], { priority: 1 }),
  provider('openrouter', [model('qwen/coder:free', coder), model('qwen/plain:free'), model('gpt-4o', { price: { input: 2, output: 8 } }), model('mystery', { price: {} }), model('half', { price: { input: 0 } })], { priority: 3 }),
  provider('cerebras', [model('gpt-oss-120b', { context: 65_536, ...coder }), model('embed', { capabilities: ['embeddings'] })], { priority: 2, status: 'trial' }),
  provider('closed', [model('gone', { aliases: ['gpt-oss-120b'] })], { priority: 0, status: 'retired' }),
);

interface Asked {
  readonly rule?: Rule;
  readonly request?: ChatRequest;
  readonly among?: Catalogue;
  readonly options?: Partial<CandidateOptions>;
}

const ask = ({ rule: by, request = asking(''), among = catalogue, options }: Asked): string[] =>
  candidates({ rule: by, score: 0, words: [] }, request, among, { freeOnly: true, ...options }).map((target) => `${target.provider.name}: ${target.model.name}`);

function refusal(asked: Asked): Failure {
  try {
    ask(asked);
  } catch (error) {
    if (error instanceof FailureError) return error.failure;
    throw error;
  }
  throw new Error('was not refused');
}

describe("a rule's candidates", () => {
  test('are its preferences, then its fallback chain, each once', () => {
    expect(ask({ rule: rule('r', {}, { preferences: ['cerebras', 'groq'], fallbackChain: ['groq', 'openrouter', 'cerebras'] }) })).toEqual([
      'cerebras: gpt-oss-120b', 'groq: openai/gpt-oss-120b', 'groq: qwen/qwen3', 'openrouter: qwen/coder:free', 'openrouter: qwen/plain:free',
    ]);
  });

  test('are everybody by priority where it names nobody', () => {
    expect(ask({ rule: rule('r') })).toEqual(['groq: openai/gpt-oss-120b', 'groq: qwen/qwen3', 'cerebras: gpt-oss-120b', 'openrouter: qwen/coder:free', 'openrouter: qwen/plain:free']);
  });

  test('are the models it names, in its order', () => {
    const named = rule('r', {}, { preferences: ['openrouter', 'groq'], models: { openrouter: ['qwen/plain*', '*:free', 'gpt-4o'], groq: ['GPT-OSS-120B'] } });
    expect(ask({ rule: named })).toEqual(['openrouter: qwen/plain:free', 'openrouter: qwen/coder:free', 'groq: openai/gpt-oss-120b']);
  });

  test('of another kind than chat are not ruled out by the names of models that chat', () => {
    const named = rule('r', {}, { preferences: ['groq', 'cerebras'], models: { groq: ['qwen/*'], cerebras: ['gpt-oss-120b'] } });
    const embedding = asking('hello', { surface: 'embeddings', relay: { path: '/embeddings' } });
    expect(ask({ rule: named, request: embedding })).toEqual(['cerebras: embed']);
  });

  test('with its capabilities come first, the others last', () => {
    const coding = { preferences: ['groq', 'openrouter'], capabilities: ['code_generation'] } as const;
    expect(ask({ rule: rule('r', {}, coding) })).toEqual(['groq: openai/gpt-oss-120b', 'openrouter: qwen/coder:free', 'groq: qwen/qwen3', 'openrouter: qwen/plain:free']);
    // Models that a rule names are what it asks for, whatever the catalogue knows of them.
    expect(ask({ rule: rule('r', {}, { ...coding, models: { openrouter: ['qwen/plain:free'] } }) })).toEqual(['groq: openai/gpt-oss-120b', 'openrouter: qwen/plain:free', 'groq: qwen/qwen3']);
  });

  test('are left where nobody has its capabilities', () => {
    expect(ask({ rule: rule('r', {}, { preferences: ['groq'], capabilities: ['speech'] }) })).toHaveLength(2);
  });

  test('have what the request needs', () => {
    const anybody = rule('r');
    expect(ask({ rule: anybody, request: asking('', { needs: ['vision'] }) })).toEqual(['groq: qwen/qwen3']);
    expect(ask({ rule: anybody, request: asking('', { needs: ['tools', 'json'] }) })).toEqual(['groq: openai/gpt-oss-120b', 'cerebras: gpt-oss-120b', 'openrouter: qwen/coder:free']);
    expect(ask({ rule: anybody, request: asking('', { surface: 'embeddings' }) })).toEqual(['cerebras: embed']);
  });

  test('have room for prompt and answer', () => {
    expect(ask({ rule: rule('r'), request: asking('', { promptTokens: 60_000 }) })).toEqual(['groq: openai/gpt-oss-120b', 'cerebras: gpt-oss-120b']);
    expect(ask({ rule: rule('r'), request: asking('', { promptTokens: 60_000, maxOutput: 10_000 }) })).toEqual(['groq: openai/gpt-oss-120b']);
    const unknown: Model = { name: 'unknown', aliases: [], capabilities: ['text_generation'], limits: { windows: [] }, price: { input: 0, output: 0 } };
    const cautious = catalogueOf(provider('a', [model('writes little', { context: 8_192, maxOutput: 1_000 })]), provider('b', [unknown]));
    expect(ask({ rule: rule('r'), request: asking('', { promptTokens: 7_000, maxOutput: 4_000 }), among: cautious })).toEqual(['a: writes little', 'b: unknown']);
  });

  test('cost nothing, whatever the setting, and their price is known', () => {
    const named = rule('r', {}, { preferences: ['openrouter'], models: { openrouter: ['gpt-4o', 'mystery', 'half'] } });
    expect(refusal({ rule: named, options: { freeOnly: false } })).toMatchObject({ kind: 'no-such-model', message: expect.stringContaining('the rule r finds no model that is known to be free at openrouter') });
  });

  test('are at providers that are there, serve, and can be used', () => {
    expect(ask({ rule: rule('r', {}, { preferences: ['nobody', 'closed', 'cerebras'] }) })).toEqual(['cerebras: gpt-oss-120b']);
    expect(ask({ rule: rule('r'), options: { usable: ({ name }) => name === 'openrouter' } })).toEqual(['openrouter: qwen/coder:free', 'openrouter: qwen/plain:free']);
    expect(refusal({ rule: rule('r', {}, { preferences: ['groq', 'cerebras'] }), options: { usable: () => false } })).toMatchObject({ kind: 'unavailable', message: 'there is no account at groq, cerebras; add one with: tollfree accounts add groq' });
  });

  test.each([
    ['no model of the rule r can take audio', { needs: ['audio'] }],
    ['no model of the rule r can write text and call tools and take images at once', { needs: ['tools', 'vision'] }],
    ['no model of the rule r has room for 201024 tokens of prompt and answer; the largest has 131072', { promptTokens: 200_000 }],
    ['no model of the rule r that can take images has room for 11024 tokens of prompt and answer; the largest has 8192', { needs: ['vision'], promptTokens: 10_000 }],
  ] as const)('%s', (message, more) => {
    const isTooLong = message.includes('has room');
    expect(refusal({ rule: rule('r'), request: asking('', more) })).toEqual({ kind: 'not-capable', param: 'model', ...(isTooLong && { code: 'context_length_exceeded' }), message });
  });
});

const named = (name: string, more: Asked = {}): string[] => ask({ ...more, request: asking('', { model: name, ...more.request }) });

describe('an asked-for model', () => {
  test('is asked of everyone who has it, under whatever name, by priority', () => {
    expect(named('gpt-oss-120b')).toEqual(['groq: openai/gpt-oss-120b', 'cerebras: gpt-oss-120b']);
    expect(named('OpenAI/GPT-OSS-120b')).toEqual(['groq: openai/gpt-oss-120b', 'cerebras: gpt-oss-120b']);
  });

  test('with its provider is asked of nobody else', () => {
    expect(named('cerebras/gpt-oss-120b')).toEqual(['cerebras: gpt-oss-120b']);
    expect(named('groq/gpt-oss-120b')).toEqual(['groq: openai/gpt-oss-120b']);
    expect(named('groq/openai/gpt-oss-120b')).toEqual(['groq: openai/gpt-oss-120b']);
  });

  test('may have a slash that looks like a provider', () => {
    const among = catalogueOf(provider('qwen', [model('max')]), provider('groq', [model('qwen/qwen3')]));
    expect(named('qwen/qwen3', { among })).toEqual(['groq: qwen/qwen3']);
    expect(named('qwen/max', { among })).toEqual(['qwen: max']);
  });

  test.each([
    ['gpt-oss-12b', "nobody has a model 'gpt-oss-12b' (did you mean gpt-oss-120b?); GET /v1/models lists them all"],
    ['groq/gpt-oss-12b', "groq has no model 'gpt-oss-12b' (did you mean groq/gpt-oss-120b?); GET /v1/models lists them all"],
    ['nothing like it', "nobody has a model 'nothing like it'; GET /v1/models lists them all"],
    ['closed/gone', 'the provider closed has ended its free service; ask for auto, or for a model of GET /v1/models'],
    ['gone', "nobody has a model 'gone'; GET /v1/models lists them all"],
    ['', "nobody has a model ''; GET /v1/models lists them all"],
    ['atuo', "nobody has a model 'atuo' (did you mean auto?); GET /v1/models lists them all"],
  ])('%j is told from those there are', (name, message) => {
    expect(refusal({ request: asking('', { model: name }) })).toEqual({ kind: 'no-such-model', param: 'model', message });
  });

  test('a name of a megabyte is not shown back, nor compared', () => {
    expect(refusal({ request: asking('', { model: 'x'.repeat(1_000_000) }) }).message.length).toBeLessThan(300);
  });

  test.each([
    ['gpt-4o', 'gpt-4o costs money; free_only: false in config/tollfree.yaml allows it, auto finds one that is free'],
    ['mystery', 'mystery has no price that is known to be zero; free_only: false in config/tollfree.yaml allows it, auto finds one that is free'],
    ['openrouter/half', 'openrouter/half has no price that is known to be zero; free_only: false in config/tollfree.yaml allows it, auto finds one that is free'],
  ])('%s is refused unless money may be spent', (name, message) => {
    expect(refusal({ request: asking('', { model: name }) })).toEqual({ kind: 'paid-model', param: 'model', message });
    expect(named(name, { options: { freeOnly: false } })).toHaveLength(1);
  });

  test('is asked where it is free before anything is spent', () => {
    const among = catalogueOf(provider('paid', [model('m', { price: { input: 1, output: 1 } })], { priority: 1 }), provider('free', [model('m')], { priority: 2 }));
    expect(named('m', { among, options: { freeOnly: false } })).toEqual(['free: m', 'paid: m']);
    expect(named('m', { among })).toEqual(['free: m']);
  });

  test('must be able to do it', () => {
    expect(refusal({ request: asking('', { model: 'gpt-oss-120b', needs: ['vision'] }) })).toEqual({ kind: 'not-capable', param: 'model', message: 'no model called gpt-oss-120b can take images' });
    expect(named('gpt-oss-120b', { request: asking('', { model: 'gpt-oss-120b', promptTokens: 100_000 }) })).toEqual(['groq: openai/gpt-oss-120b']);
  });
});
