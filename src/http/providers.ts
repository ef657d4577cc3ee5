/** The catalogue as `/admin/providers` tells it, and the command line where no daemon runs. */
import type { z } from 'zod';
import type { Limits, Model, Provider } from '../types.ts';
import type { ANSWERS } from './answers.ts';

type Told = z.output<typeof ANSWERS.Providers>['providers'][number];

export function tellProvider({ name, title, status, baseUrl, quotaScope, limits, models, signUpUrl, notes }: Provider): Told {
  return {
    name,
    title,
    status,
    base_url: baseUrl,
    quota_scope: quotaScope,
    limits: tellLimits(limits),
    ...(signUpUrl !== undefined && { sign_up_url: signUpUrl }),
    ...(notes !== undefined && { notes }),
    models: models.map(tellModel),
  };
}

function tellModel({ name, aliases, context, maxOutput, capabilities, limits, price }: Model): Told['models'][number] {
  return {
    name,
    aliases: [...aliases],
    ...(context !== undefined && { context }),
    ...(maxOutput !== undefined && { max_output: maxOutput }),
    capabilities: [...capabilities],
    limits: tellLimits(limits),
    price: { input: price.input, output: price.output, list_input: price.listInput, list_output: price.listOutput },
  };
}

const tellLimits = ({ windows, concurrent }: Limits): Told['limits'] => ({ windows: [...windows], ...(concurrent !== undefined && { concurrent }) });
