/** What an answer cost, and what it saved against list price. */
import type { Target, Usage } from '../types.ts';

const PER = 1_000_000;

/** USD. A figure whose price is unknown is absent, never zero. */
export function priceOf({ model: { price } }: Target, usage: Usage | undefined): { readonly costUsd?: number; readonly savedUsd?: number } {
  if (usage === undefined) return {};
  const at = (input: number | undefined, output: number | undefined): number | undefined =>
    input === undefined || output === undefined ? undefined : (usage.input * input + usage.output * output) / PER;
  const costUsd = at(price.input, price.output);
  const listUsd = at(price.listInput, price.listOutput);
  return {
    ...(costUsd !== undefined && { costUsd }),
    ...(costUsd !== undefined && listUsd !== undefined && { savedUsd: Math.max(0, listUsd - costUsd) }),
  };
}
