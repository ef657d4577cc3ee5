/** Plain requests, rules and catalogues the routing tests are made of. */
import type { Catalogue, ChatRequest, Conditions, Model, Provider, PromptText, Rule } from '../../src/types.ts';

export function asking(last: string, { earlier = [], system = '', ...more }: Partial<ChatRequest & PromptText> = {}): ChatRequest {
  return {
    id: 'req_1',
    surface: 'chat',
    model: 'auto',
    stream: false,
    body: {},
    text: { last, earlier, system },
    needs: [],
    promptTokens: Math.ceil(last.length / 4),
    caller: { key: 'local', project: 'local' },
    receivedAt: 0,
    deadline: 30_000,
    priority: 5,
    ...more,
  };
}

/** Keywords may be written as the file has them: a word, or a word and its weight. */
export interface WrittenConditions extends Partial<Omit<Conditions, 'keywords'>> {
  readonly keywords?: readonly (string | readonly [string, number])[];
}

export function rule(name: string, { keywords = [], ...conditions }: WrittenConditions = {}, more: Partial<Rule> = {}): Rule {
  return {
    name,
    conditions: {
      keywordsNone: [],
      patterns: [],
      minKeywordScore: 1,
      models: ['auto'],
      ...conditions,
      keywords: keywords.map((written) => (typeof written === 'string' ? { word: written, weight: 1 } : { word: written[0], weight: written[1] })),
    },
    preferences: [],
    models: {},
    capabilities: [],
    fallbackChain: [],
    strategy: 'round_robin',
    onPolicyRefusal: 'stop',
    onStreamBreak: 'error',
    deadlines: {},
    ...more,
  };
}

export const model = (name: string, more: Partial<Model> = {}): Model => ({ name, aliases: [], capabilities: ['text_generation'], limits: { windows: [] }, price: { input: 0, output: 0 }, context: 8_192, ...more });

export const provider = (name: string, models: readonly Model[], more: Partial<Provider> = {}): Provider => ({
  name,
  title: name,
  status: 'active',
  baseUrl: `https://${name}.test/v1`,
  dialect: 'openai',
  priority: 1,
  quotaScope: 'account',
  limits: { windows: [] },
  omit: [],
  rename: {},
  headers: {},
  models,
  ...more,
});

export const catalogueOf = (...providers: readonly Provider[]): Catalogue => ({ providers: new Map(providers.map((each) => [each.name, each])) });
