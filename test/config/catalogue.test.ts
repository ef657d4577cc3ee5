import { describe, expect, test } from '@jest/globals';
import { loadCatalogue } from '../../src/config/catalogue.ts';
import { told } from './told.ts';

const load = (text: string, baseUrlOverrides = {}) => loadCatalogue(text, 'providers.yaml', { baseUrlOverrides, dialects: ['openai'] });
const groq = (lines: string, baseUrlOverrides = {}) => load(`providers:\n  groq:\n    base_url: https://api.groq.com/openai/v1/\n${lines}`, baseUrlOverrides).providers.get('groq');

describe('catalogue', () => {
  test('a destination is all a provider needs', () => {
    expect(groq('')).toEqual({
      name: 'groq', title: 'groq', status: 'active', baseUrl: 'https://api.groq.com/openai/v1', dialect: 'openai', priority: 100, quotaScope: 'account',
      limits: { windows: [] }, modelLimits: { windows: [] }, omit: [], rename: {}, headers: {}, models: [],
    });
  });

  test('limits are named or whole, and reset as the provider says', () => {
    expect(groq(`
    rate_limit:
      requests_per_minute: 30
      requests_per_day: 1000
      tokens_per_day: 200000
      tokens_per_month: 5000000
      concurrent: 8
      windows: [{ requests: 10, seconds: 2 }, { tokens: 500000, seconds: 18000, kind: refill }]
    reset:
      requests_per_day: { kind: refill }
      tokens_per_day: { kind: calendar, tz: America/Los_Angeles }
`)?.limits).toEqual({
      windows: [
        { unit: 'requests', limit: 30, seconds: 60, kind: 'rolling' },
        { unit: 'requests', limit: 1_000, seconds: 86_400, kind: 'refill' },
        { unit: 'tokens', limit: 200_000, seconds: 86_400, kind: 'calendar', timeZone: 'America/Los_Angeles' },
        { unit: 'tokens', limit: 5_000_000, seconds: 2_592_000, kind: 'calendar' },
        { unit: 'requests', limit: 10, seconds: 2, kind: 'rolling' },
        { unit: 'tokens', limit: 500_000, seconds: 18_000, kind: 'refill' },
      ],
      concurrent: 8,
    });
  });

  const models = `
    rate_limit: { requests_per_minute: 30, requests_per_day: 1000, concurrent: 4 }
    reset: { requests_per_day: { kind: refill } }
    models:
      - { name: small, rate_limit: { requests_per_day: 14400, concurrent: 2 } }
      - { name: large }
`;
  const minute = { unit: 'requests', limit: 30, seconds: 60, kind: 'rolling' };
  const day = { unit: 'requests', limit: 1_000, seconds: 86_400, kind: 'refill' };

  test('models that share the quota have the pool over them and their own beside it', () => {
    const provider = groq(models);
    expect(provider?.limits).toEqual({ windows: [minute, day], concurrent: 4 });
    expect(provider?.modelLimits).toEqual({ windows: [] });
    expect(provider?.models.map(({ limits }) => limits)).toEqual([{ windows: [{ ...day, limit: 14_400 }], concurrent: 2 }, { windows: [] }]);
  });

  test('models that count apart have the limits each, their own going before', () => {
    const provider = groq(`    models_share_quota: false\n${models}`);
    expect(provider?.limits).toEqual({ windows: [] });
    expect(provider?.modelLimits).toEqual({ windows: [minute, day], concurrent: 4 });
    expect(provider?.models.map(({ limits }) => limits)).toEqual([
      { windows: [minute, { ...day, limit: 14_400 }], concurrent: 2 },
      { windows: [minute, day], concurrent: 4 },
    ]);
  });

  test('deadlines of a provider, any of them', () => {
    expect(groq('    deadlines: { first_content: 30s, total: 20m }\n')?.deadlines).toEqual({ firstContentMs: 30_000, totalMs: 1_200_000 });
    expect(groq('')).not.toHaveProperty('deadlines');
  });

  test('a price that is not written is not known', () => {
    const provider = groq(`
    models:
      - { name: free, price: { input: 0, output: 0, list_input: 0.15, list_output: 0.6 }, first_content: 60s, context: 131072, max_output: 65536 }
      - { name: unknown }
`);
    expect(provider?.models[0]).toMatchObject({ price: { input: 0, output: 0, listInput: 0.15, listOutput: 0.6 }, firstContentMs: 60_000, context: 131_072, maxOutput: 65_536 });
    expect(provider?.models[1]).toEqual({ name: 'unknown', aliases: [], capabilities: ['text_generation'], limits: { windows: [] }, price: {} });
  });

  test('every mistake is told at once, in the order of the file', () => {
    expect(told(() => load(`providers:
  Groq: { base_url: https://api.groq.com }
  a:
    base_url: https://user:hunter2@x/
    dialct: openai
    dialect: opnai
    rate_limit: { requests_per_minut: 3, tokens_per_day: 0, windows: [{ requests: 1, tokens: 2, seconds: 3 }, { requests: 2, seconds: 5, kind: calendar }, { seconds: 5 }] }
    reset: { requests_per_day: { kind: calendar, tz: Mars/Base }, requests_per_hour: { kind: rolling, tz: UTC }, tokens_per_day: {} }
  b:
    base_url: https://x/?a=1
    headers: { Authorization: Bearer x, x y: z, X-Title: "a\\nb" }
    key_check_path: models
    sign_up_url: http://x
    quota_scope: organisation
    rate_limit: { requests_per_minute: 3, windows: [{ requests: 2, seconds: 60 }] }
    models:
      - { name: x, aliases: [y, x, auto], price: { input: -1, list: 3 } }
      - { name: y, context: 0, capabilities: [visions] }
      - {}
  c: { base_url: ftp://x }
  d: { base_url: http://example.com/v1 }
  e: { base_url: "https://x/#f" }
  f:
  g: {}
`))).toEqual([
      'providers.yaml:2:3 providers.Groq: must be made of lower-case letters, digits and -, at most 32',
      'providers.yaml:4:15 providers.a.base_url: must carry no user name or password: keys live in the vault',
      'providers.yaml:5:5 providers.a.dialct: unknown key (did you mean dialect?)',
      'providers.yaml:6:14 providers.a.dialect: must be one of openai, not "opnai" (did you mean openai?)',
      'providers.yaml:7:19 providers.a.rate_limit.requests_per_minut: unknown key (did you mean requests_per_minute?)',
      'providers.yaml:7:58 providers.a.rate_limit.tokens_per_day: must be at least 1',
      'providers.yaml:7:71 providers.a.rate_limit.windows[0]: must have either requests, tokens or audio_seconds',
      'providers.yaml:7:135 providers.a.rate_limit.windows[1].seconds: must be one of 60, 3600, 86400, 2592000 where kind is calendar: a minute, an hour, a day, a month',
      'providers.yaml:7:156 providers.a.rate_limit.windows[2]: must have either requests, tokens or audio_seconds',
      'providers.yaml:8:54 providers.a.reset.requests_per_day.tz: no time zone is called "Mars/Base": use an IANA name such as America/Los_Angeles',
      'providers.yaml:8:107 providers.a.reset.requests_per_hour.tz: needs kind: calendar: nothing else knows midnight',
      'providers.yaml:8:114 providers.a.reset.tokens_per_day.kind: is missing',
      'providers.yaml:10:15 providers.b.base_url: must carry no query and no fragment: paths are appended to it',
      'providers.yaml:11:16 providers.b.headers.Authorization: may carry a credential: keys live in the vault',
      'providers.yaml:11:41 providers.b.headers["x y"]: is no header name',
      'providers.yaml:11:58 providers.b.headers.X-Title: must be printable ASCII on one line',
      'providers.yaml:12:21 providers.b.key_check_path: must be a path such as /models',
      'providers.yaml:13:18 providers.b.sign_up_url: must be an https address',
      'providers.yaml:14:18 providers.b.quota_scope: must be one of account, organization, project, provider, not "organisation" (did you mean organization?)',
      'providers.yaml:15:5 providers.b.rate_limit: limits requests in 60 seconds twice',
      'providers.yaml:17:33 providers.b.models[0].aliases[1]: "x" already names a model of b',
      'providers.yaml:17:36 providers.b.models[0].aliases[2]: "auto" is how clients ask for the rules',
      'providers.yaml:17:59 providers.b.models[0].price.input: must be at least 0',
      'providers.yaml:17:63 providers.b.models[0].price.list: unknown key (known here: input, output, list_input, list_output)',
      'providers.yaml:18:17 providers.b.models[1].name: "y" already names a model of b',
      'providers.yaml:18:29 providers.b.models[1].context: must be at least 1',
      'providers.yaml:18:47 providers.b.models[1].capabilities[0]: must be one of text_generation, code_generation, reasoning, tools, json, json_schema, vision, audio, embeddings, transcription, speech, image_generation, moderation, not "visions" (did you mean vision?)',
      'providers.yaml:19:9 providers.b.models[2].name: is missing',
      'providers.yaml:20:18 providers.c.base_url: must be a URL such as https://api.example.com/v1',
      'providers.yaml:21:18 providers.d.base_url: must be https: plain http would show keys on the way (loopback alone may use it)',
      'providers.yaml:22:18 providers.e.base_url: must carry no query and no fragment: paths are appended to it',
      'providers.yaml:23:3 providers.f: must be a mapping, not empty',
      'providers.yaml:24:3 providers.g.base_url: is missing',
    ]);
  });

  test.each<[string, string, string[]]>([
    ['an empty file', '', ['1:1 providers: is missing: providers by name, each with at least a base_url']],
    ['no providers', 'providers: {}', ['1:1 providers: must name at least one provider']],
  ])('%s', (_name, text, expected) => {
    expect(told(() => load(text)).map((line) => line.replace(/^providers\.yaml:/, ''))).toEqual(expected);
  });

  test('a secret in a URL is never told', () => {
    expect(told(() => load('providers: { a: { base_url: "https://u:hunter2@x" } }')).join('')).not.toContain('hunter2');
  });
});

describe('TOLLFREE_BASE_URL_<PROVIDER>', () => {
  const twoWords = 'providers: { groq: { base_url: https://api.groq.com/openai/v1 }, ai-horde: { base_url: https://oai.aihorde.net/v1 } }';

  test.each([
    ['http://127.0.0.1:4010/openai/v1/', 'http://127.0.0.1:4010/openai/v1'],
    ['http://localhost:4010', 'http://localhost:4010'],
    ['http://[::1]:4010/v1', 'http://[::1]:4010/v1'],
    ['https://proxy.example.com/groq', 'https://proxy.example.com/groq'],
  ])('%s is a destination', (written, baseUrl) => expect(groq('', { GROQ: written })?.baseUrl).toBe(baseUrl));

  test('a dash in the name is an underscore in the variable', () => {
    expect(load(twoWords, { AI_HORDE: 'http://localhost:1' }).providers.get('ai-horde')?.baseUrl).toBe('http://localhost:1');
  });

  test('mistakes are told by variable', () => {
    expect(told(() => load(twoWords, { GROK: 'http://127.0.0.1:1', ZZ: 'x', GROQ: 'http://127.0.0.1.example.com', AI_HORDE: 'https://u:p@x' }))).toEqual([
      'environment TOLLFREE_BASE_URL_GROK: names no provider of the catalogue (did you mean TOLLFREE_BASE_URL_GROQ?)',
      'environment TOLLFREE_BASE_URL_ZZ: names no provider of the catalogue',
      'environment TOLLFREE_BASE_URL_GROQ: must be https: plain http would show keys on the way (loopback alone may use it)',
      'environment TOLLFREE_BASE_URL_AI_HORDE: must carry no user name or password: keys live in the vault',
    ]);
  });
});
