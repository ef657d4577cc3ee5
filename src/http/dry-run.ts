/** `dry_run: true` in a chat: what it would use and cost, and who could answer. Nothing is sent, nothing is taken. */
import type { Gateway } from '../gateway.ts';
import { candidates } from '../routing/candidates.ts';
import { explainMatch } from '../routing/explain.ts';
import type { ChatRequest, Target } from '../types.ts';

/** Of an answer nobody bounds: a few paragraphs, what a chat answer usually is. */
export const USUAL_OUTPUT = 400;

/** Throws what the question itself would throw before anything is sent. */
export async function dryRun(gateway: Gateway, request: ChatRequest): Promise<object> {
  const { match } = explainMatch(request, gateway.rules());
  const targets = candidates(match, request, gateway.catalogue(), { freeOnly: gateway.policy().freeOnly, usable: gateway.usable });
  const input = request.promptTokens;
  const output = request.maxOutput ?? USUAL_OUTPUT;
  return {
    object: 'chat.completion.estimate',
    rule: match.rule?.name ?? null,
    input_tokens: input,
    output_tokens: output,
    candidates: await Promise.all(targets.map(async (target) => ({ ...tellTarget(target), ...tellPrice(gateway, target, { input, output }), free_at: await freeAt(gateway, target, request) }))),
  };
}

const tellTarget = ({ provider, model }: Target): object => ({ provider: provider.name, model: model.name, context: model.context ?? null });

/** Null is unknown. */
function tellPrice({ price }: Gateway, target: Target, usage: { readonly input: number; readonly output: number }): object {
  const { costUsd, savedUsd } = price(target, usage);
  return { cost_usd: costUsd ?? null, list_usd: costUsd === undefined || savedUsd === undefined ? null : costUsd + savedUsd };
}

/** Of any of its accounts; null: not before somebody does something about it. Accounts themselves are the operator's matter. */
async function freeAt({ accounts }: Gateway, target: Target, request: ChatRequest): Promise<string | null> {
  const times = (await accounts.outlook([target], request)).flatMap((one) => (one.freeAt === undefined || !Number.isFinite(one.freeAt) ? [] : [one.freeAt]));
  return times.length === 0 ? null : new Date(Math.min(...times)).toISOString();
}
