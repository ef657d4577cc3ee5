/** One real answer through a fresh account: the end of setup. */
import { FailureError } from '../../failure.ts';
import { createHttp } from '../../providers/call.ts';
import { isRecord, listAt, parseJson, recordAt, textAt } from '../../providers/json.ts';
import { createSend } from '../../providers/send.ts';
import { parseChat } from '../../surfaces/chat.ts';
import type { Account, Catalogue, ChatChunk, Target } from '../../types.ts';
import type { Vault } from '../../vault/vault.ts';
import type { Context } from '../context.ts';
import { harmless } from '../text.ts';
import type { Terminal } from './terminal.ts';

export interface Proof {
  readonly context: Context;
  readonly terminal: Terminal;
  readonly catalogue: Catalogue;
  readonly vault: Vault;
  readonly account: Account;
}

const QUESTION = 'Greet someone who just set up their first AI gateway, in one short sentence.';
/** Free models may think before they speak. */
const PATIENCE_MS = 60_000;

/** Says the answer, or why there is none; neither changes what was added. */
export async function prove({ context, terminal, catalogue, vault, account }: Proof): Promise<void> {
  const target = cheapest(catalogue, account);
  if (target === undefined) {
    terminal.say(`no model of ${account.provider} is known to be free by the catalogue; the daemon looks for itself`);
    return;
  }
  const http = createHttp({ now: context.now, userAgent: 'tollfree' });
  try {
    const send = createSend({ http, credentialOf: vault.credential, now: context.now });
    const answer = await terminal.busy(`asking ${target.model.name}`, () => ask(send, { target, account, now: context.now() }, context.stopped()), () => `${target.model.name} answers`);
    terminal.say(harmless(answer));
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    terminal.warn(`no answer: ${error.failure.message}`);
  } finally {
    await http.close();
  }
}

function cheapest(catalogue: Catalogue, account: Account): Target | undefined {
  const provider = catalogue.providers.get(account.provider);
  const model = provider?.models.find(({ capabilities, price }) => capabilities.includes('text_generation') && price.input === 0 && price.output === 0);
  return provider === undefined || model === undefined ? undefined : { provider, model };
}

async function ask(send: ReturnType<typeof createSend>, { target, account, now }: { readonly target: Target; readonly account: Account; readonly now: number }, stopped: AbortSignal): Promise<string> {
  const body = { model: `${target.provider.name}/${target.model.name}`, stream: true, messages: [{ role: 'user', content: QUESTION }] };
  const request = parseChat(body, { id: 'setup', caller: { key: 'local', project: 'local' }, receivedAt: now, deadline: now + PATIENCE_MS, priority: 0 });
  const { chunks } = await send({ request, target, account, stallMs: PATIENCE_MS }, AbortSignal.any([stopped, AbortSignal.timeout(PATIENCE_MS)]));
  let answer = '';
  for await (const chunk of chunks) answer += wordsOf(chunk);
  return answer.trim();
}

function wordsOf({ text }: ChatChunk): string {
  const value = parseJson(text);
  const [choice] = isRecord(value) ? listAt(value, 'choices') : [];
  return textAt(recordAt(choice, 'delta') ?? recordAt(choice, 'message'), 'content') ?? '';
}
