/**
 * A provider's own list of its models, merged into what we know: known models keep our data and gain the capabilities it names, new ones appear when
 * their price is known to be zero, vanished ones leave. Pure; fetching and caching are the callers'.
 */
import type { Capability, Limits, Model, Price, Provider } from '../types.ts';
import { given, isRecord, listAt, numberAt, recordAt, textAt } from './json.ts';
import type { Json } from './json.ts';

/** One entry of any provider's list, as far as it says. */
interface Listed {
  readonly name: string;
  readonly context?: number;
  readonly maxOutput?: number;
  readonly price?: Price;
  /** The price is what a call here costs, not a list price beside a free tier. */
  readonly charged: boolean;
  /** Partly guessed from its name and kind. */
  readonly capabilities: readonly Capability[];
  /** The part it says in so many words. */
  readonly said: readonly Capability[];
}

/** Named without its `:free`, OpenRouter sells what it gives away. */
const FREE = /:free$/;

/** `list` as parsed JSON. The same provider comes back where it holds no list, or one that speaks of other things entirely. */
export function mergeModelList(provider: Provider, list: unknown, now: number): Provider {
  const listed = new Map(entriesOf(list).filter((entry) => isServed(entry, now)).map(listedOf).map((entry) => [entry.name, entry]));
  const known = provider.models.filter(({ name }) => listed.has(name));
  // Not one in common: names are written differently there, or the list is of something else.
  if (listed.size === 0 || (known.length === 0 && provider.models.length > 0)) return provider;
  const soldAt = (name: string): Price => listPriceOf(listed.get(name.replace(FREE, '')));
  const kept = provider.models.filter((model) => listed.has(model.name) || !isChat(model)).map((model) => completed(model, listed.get(model.name), soldAt(model.name)));
  const names = new Set(provider.models.map(({ name }) => name));
  const priced = [...listed.values()].map((entry) => ({ ...entry, ...given('price', entry.price ?? provider.modelPrice) }));
  const found = priced.filter(({ name, price }) => !names.has(name) && price?.input === 0 && price.output === 0).map((entry) => modelOf({ ...entry, price: { ...entry.price, ...soldAt(entry.name) } }, provider.modelLimits));
  return { ...provider, models: [...kept, ...found] };
}

/** Lists of chat models leave out all others. */
const isChat = ({ capabilities }: Model): boolean => capabilities.includes('text_generation');

/** `{data: […]}` of nearly everyone, `{models}` of Cohere, `{result}` of Cloudflare, a bare array of Together. */
function entriesOf(list: unknown): readonly Json[] {
  if (Array.isArray(list)) return list.filter(isRecord);
  if (!isRecord(list)) return [];
  return ['data', 'models', 'result'].flatMap((name) => listAt(list, name));
}

const nameOf = (entry: Json): string => textAt(entry, 'id') ?? textAt(entry, 'name') ?? '';

function isServed(entry: Json, now: number): boolean {
  const until = Date.parse(textAt(entry, 'expiration_date') ?? textAt(entry, 'shutdown_date') ?? textAt(entry, 'deprecation') ?? '');
  return nameOf(entry) !== '' && entry['active'] !== false && entry['is_deprecated'] !== true && !(until <= now);
}

function listedOf(entry: Json): Listed {
  const top = recordAt(entry, 'top_provider');
  const limits = recordAt(entry, 'limits');
  const contexts = [entry, top].map((place) => numberAt(place, 'context_length'));
  const others = [numberAt(entry, 'context_window'), numberAt(entry, 'max_context_length'), numberAt(limits, 'max_context_length')];
  const known = [...contexts, ...others].filter((context) => context !== undefined && context > 0);
  return {
    // Gemini's compatible list keeps the native prefix; calls work without.
    name: nameOf(entry).replace(/^models\//, ''),
    // One entry advertised 1,000,000 and served 262,144: the smaller is the true one.
    ...given('context', known.length === 0 ? undefined : Math.min(...known.map(Number))),
    ...given('maxOutput', numberAt(top, 'max_completion_tokens') ?? numberAt(entry, 'max_completion_tokens') ?? numberAt(limits, 'max_completion_tokens')),
    ...priceOf(recordAt(entry, 'pricing')),
    capabilities: capabilitiesOf(entry),
    said: saidOf(entry),
  };
}

/** OpenRouter writes strings of USD a token, "0" being free; others write numbers of USD a million. */
function priceOf(pricing: Json | undefined): Pick<Listed, 'price' | 'charged'> {
  const perToken = textAt(pricing, 'prompt') !== undefined;
  const [input, output] = perToken ? [numberAt(pricing, 'prompt'), numberAt(pricing, 'completion')] : [numberAt(pricing, 'input'), numberAt(pricing, 'output')];
  if (input === undefined || output === undefined) return { charged: false };
  // What a call costs beyond its tokens makes it not free.
  const extra = (numberAt(pricing, 'request') ?? 0) > 0;
  const scale = perToken ? 1e6 : 1;
  return extra ? { charged: false } : { price: { input: input * scale, output: output * scale }, charged: perToken };
}

/** What is given away, or has no price of its own, has no list price. */
function listPriceOf({ charged, price: { input = 0, output = 0 } = {} }: Pick<Listed, 'charged' | 'price'> = { charged: false }): Price {
  return charged && input >= 0 && output >= 0 && input + output > 0 ? { listInput: input, listOutput: output } : {};
}

/** OpenRouter's parameters and Groq's features. */
const FEATURES: Readonly<Record<string, Capability>> = {
  tools: 'tools',
  response_format: 'json',
  json_mode: 'json',
  structured_outputs: 'json_schema',
  reasoning: 'reasoning',
  include_reasoning: 'reasoning',
};

function saidOf(entry: Json): readonly Capability[] {
  const takes = new Set([...words(entry, 'input_modalities'), ...words(recordAt(entry, 'architecture'), 'input_modalities')]);
  const features = [...words(entry, 'supported_parameters'), ...words(entry, 'supported_features')].map((word) => FEATURES[String(word)]);
  return [...new Set([takes.has('image') && 'vision', takes.has('audio') && 'audio', ...features].filter((capability) => typeof capability === 'string'))] as readonly Capability[];
}

/** For a model nobody knew, what its name and kind suggest as well. */
function capabilitiesOf(entry: Json): readonly Capability[] {
  const architecture = recordAt(entry, 'architecture');
  const gives = new Set([...words(entry, 'output_modalities'), ...words(architecture, 'output_modalities')]);
  const embeds = gives.has('embeddings') || entry['type'] === 'embedding' || (gives.size === 0 && /embed|\bbge-/i.test(nameOf(entry)));
  const chats = !embeds && (gives.size === 0 || gives.has('text'));
  const code = /cod(e|er|ing)\b|codestral|devstral/i.test(nameOf(entry));
  const found = [embeds && 'embeddings', chats && 'text_generation', chats && code && 'code_generation', ...saidOf(entry)];
  return [...new Set(found.filter((capability) => typeof capability === 'string'))] as readonly Capability[];
}

function words(place: Json | undefined, name: string): readonly unknown[] {
  const found = place?.[name];
  return Array.isArray(found) ? found : [];
}

/** Ours, with what we did not know: whoever is said to call tools is asked to. A price that is charged is true whatever we thought; a list price is ours to say. */
function completed(model: Model, listed: Listed | undefined, listPrice: Price): Model {
  if (listed === undefined) return model;
  return {
    ...model,
    ...given('context', model.context ?? listed.context),
    ...given('maxOutput', model.maxOutput ?? listed.maxOutput),
    capabilities: [...new Set([...model.capabilities, ...listed.said])],
    price: { ...listPrice, ...model.price, ...(listed.charged && listed.price) },
  };
}

/** A model nobody knew before is limited as the provider limits each. */
function modelOf({ name, context, maxOutput, price, capabilities }: Listed, limits: Limits = { windows: [] }): Model {
  return { name, aliases: [], ...given('context', context), ...given('maxOutput', maxOutput), capabilities, limits, price: price ?? {} };
}
