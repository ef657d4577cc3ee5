/** What the daemon's admin doors answer, as far as the commands read it. */
import { z } from 'zod';

const time = z.string();

export const windowShape = z.object({
  unit: z.string(),
  seconds: z.number(),
  model: z.string().optional(),
  limit: z.number(),
  used: z.number(),
  resets_at: time.optional(),
  empty_at: time.optional(),
  source: z.string().optional(),
});
export type Window = z.infer<typeof windowShape>;

export const accountShape = z.object({
  id: z.string(),
  provider: z.string(),
  label: z.string(),
  organization: z.string().optional(),
  pool: z.string(),
  state: z.string(),
  enabled: z.boolean(),
  rests: z.array(z.object({ scope: z.string(), model: z.string().optional(), until: time.optional(), reason: z.string() })),
  windows: z.array(windowShape),
});
export type AccountStatus = z.infer<typeof accountShape>;

export const accountsShape = z.object({ accounts: z.array(accountShape), waiting: z.number() });
export type AccountsAnswer = z.infer<typeof accountsShape>;

const wordShape = z.object({ word: z.string(), weight: z.number(), where: z.string() });

export const explanationShape = z.object({
  /** Empty where the asked-for model alone says who serves. */
  rule: z.string(),
  because: z.string(),
  score: z.number(),
  words: z.array(wordShape).readonly(),
  considered: z.array(z.object({ rule: z.string(), score: z.number(), words: z.array(wordShape).readonly(), failed: z.string().optional() })).readonly(),
  tokens: z.number(),
  candidates: z
    .array(z.object({ provider: z.string(), model: z.string(), account: z.string().optional(), free_at: time.optional(), reason: z.string().optional(), windows: z.array(windowShape).readonly().optional() }))
    .readonly(),
});
export type Explanation = z.infer<typeof explanationShape>;

const limitsShape = z.object({
  windows: z.array(z.object({ unit: z.string(), limit: z.number(), seconds: z.number(), kind: z.string().optional() })).readonly(),
  concurrent: z.number().optional(),
});

export const modelShape = z.object({
  name: z.string(),
  aliases: z.array(z.string()).readonly(),
  context: z.number().optional(),
  capabilities: z.array(z.string()).readonly(),
  price: z.object({ input: z.number().optional(), output: z.number().optional(), list_input: z.number().optional(), list_output: z.number().optional() }),
  limits: limitsShape,
});

const providerShape = z.object({ name: z.string(), title: z.string().optional(), status: z.string(), base_url: z.string(), models: z.array(modelShape) });
export type ProviderStatus = z.infer<typeof providerShape>;

export const providersShape = z.object({ providers: z.array(providerShape) });

/** What a person would ask. */
export interface Prompt {
  readonly prompt: string;
  readonly model: string;
}

/** OpenAI's error envelope, which every door answers errors in. */
export const errorShape = z.object({ error: z.object({ message: z.string(), code: z.string().nullish() }) });
