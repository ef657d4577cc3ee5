/**
 * Who could answer, in the order to ask: a rule's providers, or whoever has the model that was asked for.
 *
 * Accounts, quota and rests are not looked at here: they decide, at the moment of sending, who of these goes first.
 */
import { consequences, FailureError } from '../failure.ts';
import type { Capability, Catalogue, ChatRequest, Model, Provider, Rule, Target } from '../types.ts';
import type { Match } from './classify.ts';
import { compileGlobs } from './glob.ts';
import { findModel, providersOf } from './lookup.ts';
import { can, holds, needsOf, whatIsMissing } from './needs.ts';
import { recall, remember } from './shortlist.ts';

export interface CandidateOptions {
  /** The setting `free_only`: a model that costs, or may cost, is refused even when it is asked for by name. */
  readonly freeOnly: boolean;
  /** Whether a provider can be asked at all, e.g. has an account. Absent: each can. */
  readonly usable?: (provider: Provider) => boolean;
}

/**
 * Never empty, no target twice. Equal lists may be one and the same.
 *
 * @throws FailureError `no-such-model`; `not-capable` when needs or context of the request leave nobody; `paid-model`
 * when only `free_only` stands in the way; `unavailable` when no provider is usable; `invalid-request` for what only one
 * dialect understands and nobody here speaks
 */
export function candidates({ rule }: Match, request: ChatRequest, catalogue: Catalogue, options: CandidateOptions): readonly Target[] {
  const { freeOnly, usable = () => true } = options;
  const wanted = { rule: rule ?? request.model, request, catalogue, freeOnly };
  const known = recall(wanted, usable);
  if (known.length > 0) return understanding(known, request);
  const found = gather(rule, request, catalogue, options);
  remember(wanted, usable, (asked) => gather(rule, { ...request, ...NO_LENGTH }, catalogue, { freeOnly, usable: asked }));
  return understanding(found, request);
}

/** Who makes something of everything in it. */
function understanding(targets: readonly Target[], { original }: ChatRequest): readonly Target[] {
  if (original?.only === undefined) return targets;
  const those = targets.filter(({ provider }) => provider.dialect === original.dialect);
  if (those.length === 0) throw new FailureError({ kind: 'invalid-request', ...original.only });
  return those;
}

const NO_LENGTH = { promptTokens: 0, maxOutput: 0 };

function gather(rule: Rule | undefined, request: ChatRequest, catalogue: Catalogue, options: CandidateOptions): Target[] {
  return rule === undefined ? ofModel(request, catalogue, options) : ofRule(rule, request, catalogue, options);
}

/** Zero, and known to be: an unknown price is none. */
const isFree = ({ price }: Model): boolean => price.input === 0 && price.output === 0;

/**
 * The rule's preferences in their order, then its fallback chain; a rule that names nobody takes everybody by priority.
 * At each provider the models the rule names, in its order, else all in the catalogue's order.
 *
 * Only models known to be free. Where the rule names no models, those with its capabilities come first and the others
 * last: a capability a rule asks for is a preference, and never a reason to refuse while somebody could answer.
 */
function ofRule(rule: Rule, request: ChatRequest, catalogue: Catalogue, { usable = () => true }: CandidateOptions): Target[] {
  const names = new Set([...rule.preferences, ...rule.fallbackChain]);
  const active = providersOf(catalogue);
  const chain = names.size === 0 ? active : [...names].flatMap((name) => active.find((provider) => provider.name === name) ?? []);
  const offered = chain.flatMap((provider) => modelsOf(rule, provider, request).filter(isFree).map((model): Target => ({ provider, model })));
  if (offered.length === 0) {
    const asked = names.size === 0 ? 'any provider' : [...names].join(', ');
    throw new FailureError({ kind: 'no-such-model', param: 'model', message: `the rule ${rule.name} finds no model that is known to be free at ${asked}; see its models in routing-rules.yaml and the prices in config/providers.yaml` });
  }
  const able = ableOnes(usableOnes(offered, usable), request, `of the rule ${rule.name}`);
  const preferred = able.filter(({ provider, model }) => rule.models[provider.name] !== undefined || has(model, rule.capabilities));
  return [...new Set([...preferred, ...able])];
}

/** Names in a rule are of models that chat: where none of them can do what else is asked for, whoever can does. */
function modelsOf({ models }: Rule, provider: Provider, request: ChatRequest): Model[] {
  const named = models[provider.name];
  if (named === undefined) return [...provider.models];
  const found = [...new Set(named.map((glob) => compileGlobs([glob])).flatMap((glob) => provider.models.filter(({ name, aliases }) => [name, ...aliases].some(glob))))];
  return request.relay === undefined || found.some((model) => has(model, needsOf(request))) ? found : [...provider.models];
}

/** The asked-for model, wherever it is: free ones first, so that nothing is spent while it can be had for nothing. */
function ofModel(request: ChatRequest, catalogue: Catalogue, { freeOnly, usable = () => true }: CandidateOptions): Target[] {
  const named = findModel(request.model, catalogue);
  const able = ableOnes(usableOnes(named, usable), request, `called ${request.model}`);
  const free = able.filter(({ model }) => isFree(model));
  if (!freeOnly) return [...new Set([...free, ...able])];
  if (free.length > 0) return free;
  const costs = able.some(({ model: { price } }) => (price.input ?? 0) > 0 || (price.output ?? 0) > 0);
  throw new FailureError({ kind: 'paid-model', param: 'model', message: `${request.model} ${costs ? 'costs money' : 'has no price that is known to be zero'}; free_only: false in config/tollfree.yaml allows it, auto finds one that is free` });
}

/** @throws FailureError `unavailable` */
function usableOnes(targets: readonly Target[], usable: (provider: Provider) => boolean): readonly Target[] {
  const left = targets.filter(({ provider }) => usable(provider));
  const names = [...new Set(targets.map(({ provider }) => provider.name))];
  if (left.length === 0) {
    throw new FailureError({ kind: 'unavailable', message: `there is no account at ${names.join(', ')}; add one with: tollfree accounts add ${names[0] ?? 'PROVIDER'}`, attempts: [] });
  }
  return left;
}

/** As a provider's own refusal is told: clients that shorten their conversations go by this. */
const TOO_LONG = consequences['too-long'].code;

/** @throws FailureError `not-capable` */
function ableOnes(targets: readonly Target[], request: ChatRequest, which: string): readonly Target[] {
  const needs = needsOf(request);
  const able = targets.filter(({ model }) => has(model, needs) && holds(request, model));
  if (able.length > 0) return able;
  const isTooLong = targets.some(({ model }) => has(model, needs));
  throw new FailureError({ kind: 'not-capable', param: 'model', ...(isTooLong && { code: TOO_LONG }), message: `no model ${which} ${whatIsMissing(targets, request)}` });
}

const has = (model: Model, capabilities: readonly Capability[]): boolean => capabilities.every((capability) => can(model, capability));
