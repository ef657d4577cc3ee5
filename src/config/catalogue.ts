/** `config/providers.yaml`: who can be asked, for what, how often. */
import { z } from 'zod';
import { nearest } from '../near-miss.ts';
import { CAPABILITIES, type Catalogue, type Model, type Price, type Provider } from '../types.ts';
import { compact, deadlines, duration, text, toDeadlines, wholeNumber } from './atoms.ts';
import { destination, readDestination } from './destination.ts';
import { mergeLimits, rateLimit, reset, toLimits, type Reset } from './limits.ts';
import type { Parsed } from './parsed.ts';
import { ConfigError, type Problem } from './problems.ts';
import { shown } from './describe.ts';
import { validate, type Mistake } from './validate.ts';

export interface CatalogueOptions {
  /** What follows `TOLLFREE_BASE_URL_` in the environment, and its value: `{ GROQ: 'http://127.0.0.1:4010/v1' }`. */
  readonly baseUrlOverrides?: Readonly<Record<string, string>>;
  /** Wire formats there is code for. Absent: a provider may name any. */
  readonly dialects?: readonly string[];
  readonly parsed?: Parsed;
}

const VARIABLE = 'TOLLFREE_BASE_URL_';

/** @throws ConfigError */
export function loadCatalogue(source: string, file: string, options: CatalogueOptions = {}): Catalogue {
  const { providers } = validate({ text: source, file, parsed: options.parsed }, schemaOf(options), crossCheck);
  const names = Object.keys(providers);
  const overrides = readOverrides(options.baseUrlOverrides ?? {}, names);
  return { providers: new Map(Object.entries(providers).map(([name, written]) => [name, toProvider(name, written, overrides.get(variableOf(name)))])) };
}

const price = z.number().min(0).max(100_000).optional();

const prices = z.strictObject({ input: price, output: price, list_input: price, list_output: price });

const model = z.strictObject({
  name: text,
  aliases: z.array(text).default([]),
  context: wholeNumber(1).optional(),
  max_output: wholeNumber(1).optional(),
  capabilities: z.array(z.enum(CAPABILITIES)).default(['text_generation']),
  rate_limit: rateLimit,
  price: prices.prefault({}),
  first_content: duration.optional(),
});

const webPage = z.url({ protocol: /^https$/, error: 'must be an https address' });
const path = z.string().regex(/^\/[^\s?#]*$/, { error: 'must be a path such as /models' });
const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, { error: 'is no header name' })
  .refine((name) => !/^(?:proxy-)?authorization$|cookie|api-?key|token/i.test(name), { error: 'may carry a credential: keys live in the vault' });
const headerValue = z.string().regex(/^[\t\u0020-\u007e]*$/, { error: 'must be printable ASCII on one line' });

/** Part of `<provider>/<model>`, of an environment variable and of a metric's label. */
const providerName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, { error: 'must be made of lower-case letters, digits and -, at most 32' });

function providerOf({ dialects }: CatalogueOptions) {
  return z.strictObject({
    title: text.optional(),
    status: z.enum(['active', 'trial', 'retired']).default('active'),
    base_url: destination,
    dialect: (dialects === undefined ? text : z.enum(dialects)).default('openai'),
    priority: wholeNumber(0, 1_000).default(100),
    quota_scope: z.enum(['account', 'organization', 'project', 'provider']).default('account'),
    models_share_quota: z.boolean().default(true),
    rate_limit: rateLimit,
    reset,
    price: prices.optional(),
    omit: z.array(text).default([]),
    rename: z.record(text, text).default({}),
    headers: z.record(headerName, headerValue).default({}),
    tells_cost: z.boolean().default(false),
    deadlines: deadlines.optional(),
    key_check_path: path.optional(),
    key_prefix: text.optional(),
    sign_up_url: webPage.optional(),
    notes: text.optional(),
    models: z.array(model).default([]),
  });
}

type WrittenProvider = z.output<ReturnType<typeof providerOf>>;

function schemaOf(options: CatalogueOptions) {
  const providers = z.record(providerName, providerOf(options), { error: ({ input }) => (input === undefined ? 'is missing: providers by name, each with at least a base_url' : undefined) });
  return z.strictObject({ providers: providers.refine((all) => Object.keys(all).length > 0, { error: 'must name at least one provider' }) });
}

function toProvider(name: string, written: WrittenProvider, baseUrl: string | undefined): Provider {
  const own = toLimits(written.rate_limit, written.reset);
  const none = { windows: [] };
  const [pool, perModel] = written.models_share_quota ? [own, none] : [none, own];
  return compact({
    name,
    title: written.title ?? name,
    status: written.status,
    baseUrl: baseUrl ?? written.base_url,
    dialect: written.dialect,
    priority: written.priority,
    quotaScope: written.quota_scope,
    limits: pool,
    modelLimits: perModel,
    modelPrice: written.price && toPrice(written.price),
    omit: written.omit,
    rename: written.rename,
    headers: written.headers,
    tellsCost: written.tells_cost || undefined,
    deadlines: written.deadlines && toDeadlines(written.deadlines),
    keyCheckPath: written.key_check_path,
    keyPrefix: written.key_prefix,
    signUpUrl: written.sign_up_url,
    notes: written.notes,
    models: written.models.map((each) => toModel(each, perModel, written.reset)),
  });
}

function toModel(written: z.output<typeof model>, shared: Provider['limits'], resets: Reset): Model {
  return compact({
    name: written.name,
    aliases: written.aliases,
    context: written.context,
    maxOutput: written.max_output,
    capabilities: written.capabilities,
    limits: mergeLimits(shared, toLimits(written.rate_limit, resets)),
    price: toPrice(written.price),
    firstContentMs: written.first_content,
  });
}

function toPrice({ input, output, list_input: listInput, list_output: listOutput }: z.output<typeof prices>): Price {
  return compact({ input, output, listInput, listOutput });
}

const nameOrNothing = z.string().optional().catch(undefined);

/** What the check between models needs to see, of a file that may be wrong everywhere. */
const glance = z.object({
  providers: z.record(z.string(), z.object({
    models: z.array(z.object({ name: nameOrNothing, aliases: z.array(nameOrNothing).catch([]) }).catch({ name: undefined, aliases: [] })).catch([]),
  }).catch({ models: [] })).catch({}),
}).catch({ providers: {} });

/** Within one provider a name must lead to one model, and none to `auto`, which is the rules' word. */
function crossCheck(written: unknown): Mistake[] {
  return Object.entries(glance.parse(written).providers).flatMap(([provider, { models }]) => {
    const claims = models.flatMap(({ name, aliases }, index) => {
      const path = ['providers', provider, 'models', index];
      return [{ name, path: [...path, 'name'] }, ...aliases.map((alias, place) => ({ name: alias, path: [...path, 'aliases', place] }))];
    });
    const names = claims.map(({ name }) => name);
    return claims.flatMap(({ name, path }, index): Mistake[] => {
      if (name === undefined) return [];
      if (/^auto(?::|$)/.test(name)) return [{ path, message: `${shown(name)} is how clients ask for the rules` }];
      return names.indexOf(name) === index ? [] : [{ path, message: `${shown(name)} already names a model of ${provider}` }];
    });
  });
}

/** @throws ConfigError where a variable names no provider or a destination keys must not go to */
function readOverrides(overrides: Readonly<Record<string, string>>, providers: readonly string[]): ReadonlyMap<string, string> {
  const variables = providers.map(variableOf);
  const problems: Problem[] = [];
  const destinations = new Map<string, string>();
  for (const [suffix, written] of Object.entries(overrides)) {
    const read = variables.includes(suffix) ? readDestination(written) : { mistake: noSuchProvider(suffix, variables) };
    if ('url' in read) destinations.set(suffix, read.url);
    else problems.push({ file: 'environment', line: 0, column: 0, path: VARIABLE + suffix, message: read.mistake });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return destinations;
}

function noSuchProvider(suffix: string, variables: readonly string[]): string {
  const meant = nearest(suffix, variables);
  return `names no provider of the catalogue${meant === undefined ? '' : ` (did you mean ${VARIABLE}${meant}?)`}`;
}

function variableOf(provider: string): string {
  return provider.toUpperCase().replaceAll('-', '_');
}
