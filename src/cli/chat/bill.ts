/** What a conversation cost, by the prices the daemon knows. */
import { createAdminClient } from '../admin-client.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../errors.ts';
import { count, plural, usd } from '../numbers.ts';
import type { ProviderStatus } from '../shapes.ts';
import type { Spent } from './conversation.ts';

export async function billOf(context: Context, spent: readonly Spent[]): Promise<string> {
  const sum = (of: 'answers' | 'input' | 'output'): number => spent.reduce((total, each) => total + each[of], 0);
  const counted = `${plural(sum('answers'), 'answer')}, ${count(sum('input'))} tokens asked, ${count(sum('output'))} answered`;
  const providers = await pricesOf(context);
  if (providers === undefined) return `${counted}; prices are told to the operator alone`;
  const prices = spent.map((each) => ({ ...each, price: providers.find(({ name }) => name === each.provider)?.models.find(({ name }) => name === each.model)?.price }));
  const paid = total(prices.map(({ input, output, price }) => amount(input, price?.input) + amount(output, price?.output)));
  const list = total(prices.map(({ input, output, price }) => amount(input, price?.list_input) + amount(output, price?.list_output)));
  return `${counted}, ${paid === undefined ? 'at unknown cost' : `${usd(paid)} paid`}${list === undefined || paid === undefined ? '' : `, ${usd(Math.max(0, list - paid))} saved`}`;
}

/** Undefined where this person may not ask. */
async function pricesOf(context: Context): Promise<readonly ProviderStatus[] | undefined> {
  try {
    return (await (await createAdminClient(context)).askAll('/admin/providers', 'Providers')).providers;
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

/** Prices are for a million tokens. NaN: nobody knows. */
const amount = (tokens: number, price = Number.NaN): number => (tokens === 0 ? 0 : (tokens * price) / 1_000_000);

function total(amounts: readonly number[]): number | undefined {
  const sum = amounts.reduce((whole, each) => whole + each, 0);
  return Number.isNaN(sum) ? undefined : sum;
}
