/** `GET /v1/models` and `/v1/models/{id}`: everything a client may put into `model`. */
import type { RequestHandler } from 'express';
import { FailureError } from '../failure.ts';
import type { Catalogue, Model, Provider, Rules } from '../types.ts';

export interface ModelRouteOptions {
  readonly catalogue: () => Catalogue;
  readonly rules: () => Rules;
  /** Whether anyone has an account there: the others' models cannot be used. */
  readonly usable: (provider: Provider) => boolean;
}

interface Entry {
  readonly id: string;
  readonly object: 'model';
  readonly created: number;
  readonly owned_by: string;
  readonly context_length?: number;
  readonly max_output_tokens?: number;
  readonly capabilities?: readonly string[];
}

export function listModels(options: ModelRouteOptions): RequestHandler {
  return (_request, response) => {
    response.json({ object: 'list', data: [...entries(options).values()] });
  };
}

export function showModel(options: ModelRouteOptions): RequestHandler<{ id: string[] }> {
  return (request, response) => {
    const id = request.params.id.join('/');
    const entry = entries(options).get(id);
    if (entry === undefined) throw new FailureError({ kind: 'no-such-model', param: 'model', message: `there is no model ${JSON.stringify(id)}; GET /v1/models lists them` });
    response.json(entry);
  };
}

function entries({ catalogue, rules, usable }: ModelRouteOptions): ReadonlyMap<string, Entry> {
  const list = new Map<string, Entry>();
  const add = (id: string, owner: string, model?: Model): void => {
    if (!list.has(id)) list.set(id, entry(id, owner, model));
  };
  add('auto', 'tollfree');
  for (const { name } of rules().rules) add(`auto:${name}`, 'tollfree');
  const providers = [...catalogue().providers.values()].filter((provider) => provider.status !== 'retired' && usable(provider));
  for (const { name, models } of byPriority(providers)) for (const model of models) add(`${name}/${model.name}`, name, model);
  for (const { name, models } of byPriority(providers)) for (const model of models) for (const alias of [model.name, ...model.aliases]) add(alias, name, model);
  return list;
}

function entry(id: string, owner: string, model: Model | undefined): Entry {
  return {
    id,
    object: 'model',
    // No provider-independent date exists; clients only need the field.
    created: 0,
    owned_by: owner,
    ...(model?.context !== undefined && { context_length: model.context }),
    ...(model?.maxOutput !== undefined && { max_output_tokens: model.maxOutput }),
    ...(model && { capabilities: model.capabilities }),
  };
}

function byPriority(providers: readonly Provider[]): readonly Provider[] {
  return providers.toSorted((a, b) => a.priority - b.priority);
}
