/**
 * Which account a conversation spoke with last. Providers keep a prompt's beginning for some minutes and answer the next turn
 * sooner, some at no token cost, if it comes by the same account: worth a wish, never a wait.
 */
import type { ChatRequest, PromptText } from '../types.ts';

export interface Conversations {
  /** The account to ask first, if there is one. */
  account(request: ChatRequest, target: string, now: number): string | undefined;
  served(request: ChatRequest, target: string, accountId: string, now: number): void;
}

/** Prompt caches live five to ten minutes. */
const KEPT_MS = 5 * 60_000;
/** Below this no provider caches. */
const LEAST_TOKENS = 1024;
/** About 200 KB. */
const MOST = 1000;
/** Enough of the beginning to tell conversations apart. */
const OPENING = 200;

export function createConversations(): Conversations {
  /** Oldest first. */
  const last = new Map<string, { readonly accountId: string; readonly at: number }>();

  return {
    account(request, target, now) {
      if (request.promptTokens < LEAST_TOKENS || last.size === 0) return undefined;
      const found = last.get(keyOf(request, target));
      return found !== undefined && now - found.at < KEPT_MS ? found.accountId : undefined;
    },
    served(request, target, accountId, now) {
      if (request.promptTokens < LEAST_TOKENS) return;
      const key = keyOf(request, target);
      last.delete(key);
      last.set(key, { accountId, at: now });
      const [oldest] = last.keys();
      if (last.size > MOST && oldest !== undefined) last.delete(oldest);
    },
  };
}

const NOTHING_SAID: PromptText = { last: '', earlier: [], system: '' };

/** As much of a prompt as a conversation is known by. */
export function openingOf({ promptTokens, text }: Pick<ChatRequest, 'promptTokens' | 'text'>): PromptText {
  if (promptTokens < LEAST_TOKENS) return NOTHING_SAID;
  const first = text.earlier.at(-1) ?? text.last;
  return { last: first.slice(0, OPENING), earlier: [], system: text.system.slice(0, OPENING) };
}

/** A conversation is known by who speaks and how it began. */
function keyOf(request: ChatRequest, target: string): string {
  const { system, last } = openingOf(request);
  return JSON.stringify([target, request.caller.key, system, last]);
}
