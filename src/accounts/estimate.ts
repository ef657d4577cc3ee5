/** What a request will use, learned from what requests like it did use. */
import type { ChatRequest, Model, Surface, Usage } from '../types.ts';
import { createSeldom } from './seldom.ts';

export interface Estimate {
  /** With room for a prompt that is counted longer than most. */
  readonly input: number;
  /** Without. */
  readonly likelyInput: number;
  /** Expected; most answers are shorter. */
  readonly output: number;
  /** What the caller allows at most: some providers charge that until the answer is whole. */
  readonly allowed: number;
  /** Of sound to be listened to. */
  readonly audioSeconds: number;
}

export interface Estimates {
  of(provider: string, model: Model, request: ChatRequest): Estimate;
  learn(provider: string, model: string, estimated: Estimate, promptTokens: number, usage: Usage): void;
  /** Mean absolute error of the totals, as a share of what was used, by `provider/model`. */
  readonly errors: () => ReadonlyMap<string, number>;
  save(): readonly (readonly [key: string, learned: Learned])[];
  restore(key: string, learned: Learned): void;
}

export interface Learned {
  /** Reported input over our own count. */
  ratio: number;
  /** Mean deviation of the ratio. */
  ratioSpread: number;
  output: number;
  /** Mean deviation of the output. */
  spread: number;
  error: number;
}

/** An answer's length before anything is known of the model: a long paragraph with code. */
const FIRST_OUTPUT = 800;
/** Weight of the newest answer: about the last twenty decide. */
const WEIGHT = 0.1;
/** Mean and three mean deviations hold about 98 %; what exceeds it becomes debt. */
const DEVIATIONS = 3;
/** Prompts of one model differ by about a tenth in how far our count is off. */
const FIRST_SPREAD = 0.1;
const UNLEARNED = { ratio: 1, ratioSpread: 0 };
/** Half of those that decide. */
const WRITTEN_EVERY = 10;
/** Tokenisers differ by less; beyond it the report is odd (cached or hidden prompt), not the estimate. */
const RATIO_BOUNDS = [0.3, 4] as const;

/** Asked for something else than text. */
const WORDLESS: ReadonlySet<Surface> = new Set(['embeddings', 'moderations', 'images']);

const keyOf = (provider: string, model: string): string => `${provider}/${model}`;

/** `changed`: to be kept over a restart. */
export function createEstimates(changed: (key: string, learned: Learned) => void): Estimates {
  const models = new Map<string, Learned>();
  const write = createSeldom(WRITTEN_EVERY, changed);

  return {
    of(provider, model, request) {
      const learned = models.get(keyOf(provider, model.name));
      const usual = learned === undefined ? FIRST_OUTPUT : learned.output + DEVIATIONS * learned.spread;
      const most = Math.min(request.maxOutput ?? Number.POSITIVE_INFINITY, model.maxOutput ?? Number.POSITIVE_INFINITY);
      const output = WORDLESS.has(request.surface) ? 0 : Math.ceil(Math.min(usual, most));
      const { ratio, ratioSpread } = learned ?? UNLEARNED;
      return { input: Math.ceil(request.promptTokens * (ratio + DEVIATIONS * ratioSpread)), likelyInput: Math.ceil(request.promptTokens * ratio), output, allowed: request.maxOutput === undefined ? output : most, audioSeconds: request.audioSeconds ?? 0 };
    },
    learn(provider, model, estimated, promptTokens, usage) {
      const key = keyOf(provider, model);
      const ratio = Math.min(RATIO_BOUNDS[1], Math.max(RATIO_BOUNDS[0], usage.input / Math.max(1, promptTokens)));
      const total = usage.input + usage.output;
      const error = Math.abs(estimated.input + estimated.output - total) / Math.max(1, total);
      const known = models.get(key);
      if (known === undefined) {
        const first = { ratio, ratioSpread: FIRST_SPREAD, output: usage.output, spread: usage.output / 2, error };
        models.set(key, first);
        write(key, first);
        return;
      }
      known.ratioSpread += WEIGHT * (Math.abs(ratio - known.ratio) - known.ratioSpread);
      known.ratio += WEIGHT * (ratio - known.ratio);
      known.spread += WEIGHT * (Math.abs(usage.output - known.output) - known.spread);
      known.output += WEIGHT * (usage.output - known.output);
      known.error += WEIGHT * (error - known.error);
      write(key, known);
    },
    errors: () => new Map([...models].map(([key, { error }]) => [key, error])),
    save: () => [...models],
    restore(key, learned) {
      const { ratio, ratioSpread, output, spread, error } = learned;
      if ([ratio, ratioSpread, output, spread, error].every(Number.isFinite)) models.set(key, { ratio, ratioSpread, output, spread, error });
    },
  };
}
