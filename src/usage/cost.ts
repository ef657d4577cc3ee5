/** What an answer cost, and what it saved against list price. */
import type { Target, Usage } from '../types.ts';

const PER = 1_000_000;

/** USD. A figure whose price is unknown is absent, never zero. */
export function priceOf({ provider, model: { price } }: Target, usage: Usage | undefined): { readonly costUsd?: number; readonly savedUsd?: number } {
  if (usage === undefined) return {};
  const costUsd = (provider.tellsCost ? usage.costUsd : undefined) ?? valueAt(usage, price.input, price.output);
  if (costUsd === undefined) return {};
  const listUsd = valueAt(usage, price.listInput, price.listOutput);
  return listUsd === undefined ? { costUsd } : { costUsd, savedUsd: Math.max(0, listUsd - costUsd) };
}

function valueAt(usage: Usage, input: number | undefined, output: number | undefined): number | undefined {
  return input === undefined || output === undefined ? undefined : (usage.input * input + usage.output * output) / PER;
}
