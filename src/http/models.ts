/**
 * `GET /v1/models` and `/v1/models/{id}`: everything a client may put into `model`.
 *
 * One shape for everybody: OpenAI's clients read `object` and `created`, Anthropic's `type`, `created_at` and the ids at the ends.
 */
import type { RequestHandler } from 'express';
import type { AccountView } from '../accounts/accounts.ts';
import { FailureError } from '../failure.ts';
import { providersOf } from '../routing/lookup.ts';
import type { Catalogue, Model, Provider, Rules } from '../types.ts';
import type { Door } from './door.ts';
import { leftBy } from './left.ts';
import type { Left } from './left.ts';

export interface ModelRouteOptions {
  readonly catalogue: () => Catalogue;
  readonly rules: () => Rules;
  /** Whether anyone has an account there: the others' models cannot be used. */
  readonly usable: (provider: Provider) => boolean;
  readonly accounts: () => readonly AccountView[];
  /** Which models whoever calls may ask for: nobody else's are told. Throws `unauthorized`. */
  readonly scopeOf: Door['scopeOf'];
}

interface Entry {
  readonly id: string;
  readonly object: 'model';
  readonly type: 'model';
  readonly display_name: string;
  readonly created: number;
  readonly created_at: string;
  readonly owned_by: string;
  readonly context_length?: number;
  readonly max_output_tokens?: number;
  readonly capabilities?: readonly string[];
  /** Of each window, over all accounts. */
  readonly limits?: readonly Left[];
}

export function listModels(options: ModelRouteOptions): RequestHandler {
  return (request, response) => {
    const allowed = options.scopeOf(request);
    const data = [...entries(options).values()].filter(({ id }) => allowed(id));
    response.json({ object: 'list', data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null });
  };
}

export function showModel(options: ModelRouteOptions): RequestHandler<{ id: string[] }> {
  return (request, response) => {
    const allowed = options.scopeOf(request);
    const id = request.params.id.join('/');
    const entry = entries(options).get(id);
    if (entry === undefined || !allowed(id)) throw new FailureError({ kind: 'no-such-model', param: 'model', message: `there is no model ${JSON.stringify(id)}; GET /v1/models lists them` });
    response.json(entry);
  };
}

function entries({ catalogue, rules, usable, accounts }: ModelRouteOptions): ReadonlyMap<string, Entry> {
  const list = new Map<string, Entry>();
  const leftOf = leftBy(accounts(), catalogue());
  const add = (id: string, owner: string, model?: Model): void => {
    if (!list.has(id)) list.set(id, entry(id, owner, model && { ...model, left: leftOf(owner, model.name) }));
  };
  add('auto', 'tollfree');
  for (const { name } of rules().rules) add(`auto:${name}`, 'tollfree');
  const providers = providersOf(catalogue()).filter(usable);
  for (const { name, models } of providers) for (const model of models) add(`${name}/${model.name}`, name, model);
  for (const { name, models } of providers) for (const model of models) for (const alias of [model.name, ...model.aliases]) add(alias, name, model);
  return list;
}

function entry(id: string, owner: string, model: (Model & { readonly left: readonly Left[] }) | undefined): Entry {
  return {
    id,
    object: 'model',
    type: 'model',
    display_name: id,
    // No provider-independent date exists; clients only need the fields.
    created: 0,
    created_at: new Date(0).toISOString(),
    owned_by: owner,
    ...(model?.context !== undefined && { context_length: model.context }),
    ...(model?.maxOutput !== undefined && { max_output_tokens: model.maxOutput }),
    ...(model && { capabilities: model.capabilities, limits: model.left }),
  };
}
