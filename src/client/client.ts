/** The gateway without a socket: accounts, rules, rotation, fallback and cache in a process of one's own. */
import { setMaxListeners } from 'node:events';
import { createAccounts } from '../accounts/accounts.ts';
import { FailureError } from '../failure.ts';
import { answer } from '../gateway.ts';
import type { Answer } from '../gateway.ts';
import { after, createSteadyClock } from '../main/clock.ts';
import { createEngine, providersOf } from '../main/engine.ts';
import { createHttp } from '../providers/call.ts';
import { wholeChat } from '../surfaces/chat-answer.ts';
import type { GatewayEvent } from '../types.ts';
import { resultOf } from './answers.ts';
import type { ChatResult } from './answers.ts';
import { readConfiguration } from './configuration.ts';
import type { ConfigurationOptions } from './configuration.ts';
import { requestOf } from './request.ts';
import type { ChatOptions, Message } from './request.ts';
import { streamOf } from './stream.ts';
import type { ChatStream } from './stream.ts';

export interface ClientOptions extends ConfigurationOptions {
  /** Hears of requests, attempts, accounts that rest. Never of a prompt. What it throws ends no call; Node warns of it. */
  readonly onEvent?: (event: GatewayEvent) => void;
}

/** All throw a {@link FailureError}, whose `failure` says what and, for limits, until when. */
export interface Client {
  readonly chat: (messages: string | readonly Message[], options?: ChatOptions) => Promise<ChatResult>;
  /** Nothing is asked before it is read. */
  readonly stream: (messages: string | readonly Message[], options?: ChatOptions) => ChatStream;
  /** From now on this one where a call names none; without arguments, `auto` again. */
  readonly use: (provider?: string, model?: string) => void;
  /** USD, of all answers whose price is known. */
  readonly totalCost: number;
  /** USD against list price, of all answers where that is known. */
  readonly totalSaved: number;
  /** Answers whose price nobody knows: not in `totalCost`. */
  readonly unpriced: number;
  /** Answers whose list price, or whose price, nobody knows: not in `totalSaved`. */
  readonly unvalued: number;
  /** Ends what runs, and the connections. */
  readonly close: () => Promise<void>;
}

const AUTO = 'auto';

/**
 * ```ts
 * const client = createClient({ accounts: [{ provider: 'groq', key: '…' }, { provider: 'cerebras', key: '…' }] });
 * const { content, provider, saved } = await client.chat('Write a haiku about quotas');
 * ```
 * Throws ConfigError with every mistake of a file.
 */
export function createClient(options: ClientOptions = {}): Client {
  const { settings, catalogue, rules, accounts: held, dataDirectory, keys } = readConfiguration(options);
  const now = createSteadyClock();
  const totals = { cost: 0, saved: 0, unpriced: 0, unvalued: 0 };
  const emit = (event: GatewayEvent): void => {
    if (event.type === 'request-finished') {
      const { costUsd, savedUsd, failure, usage } = event.summary;
      totals.cost += costUsd ?? 0;
      totals.saved += savedUsd ?? 0;
      const used = failure === undefined || usage !== undefined;
      if (used && costUsd === undefined) totals.unpriced += 1;
      if (used && savedUsd === undefined) totals.unvalued += 1;
    }
    try {
      options.onEvent?.(event);
    } catch (error) {
      // Who only listens ends no call; and what went wrong there is worth a word.
      process.emitWarning(`onEvent threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  };
  const http = createHttp({ now, userAgent: 'tollfree', connectMs: settings.deadlines.connectMs });
  const accounts = createAccounts({ accounts: held, catalogue: () => catalogue, scheduler: { now, after }, emit, lineBound: settings.line.maxWaiting });
  const providers = providersOf(held);
  const gateway = createEngine({ now, settings, emit, http, accounts, catalogue: () => catalogue, rules: () => rules, dataDirectory, usable: ({ name }) => providers.has(name), credentialOf: ({ id }) => keys.get(id) ?? '' });
  const closing = new AbortController();
  // One for each call under way: as many as a program likes.
  setMaxListeners(0, closing.signal);
  const state = { model: AUTO };

  const ask = (messages: string | readonly Message[], chosen: ChatOptions, stream: boolean): Promise<Answer> => {
    const { signal, model = state.model } = chosen;
    const until = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
    const request = requestOf(messages, { ...chosen, model }, { now: gateway.now(), usualMs: settings.deadlines.callerMs, stream });
    return answer(gateway, request, until);
  };

  return {
    async chat(messages, chosen = {}) {
      const certain = await ask(messages, chosen, false);
      return resultOf(await wholeChat(certain.chunks), certain, gateway);
    },
    stream: (messages, chosen = {}) => streamOf(() => ask(messages, chosen, true), gateway),
    use(provider, model) {
      if (provider === undefined) state.model = AUTO;
      else if (!providers.has(provider)) throw new FailureError({ kind: 'no-such-model', param: 'provider', message: `there is no account at ${JSON.stringify(provider)}, only at ${[...providers].join(', ')}` });
      else if (model === undefined) throw new FailureError({ kind: 'no-such-model', param: 'model', message: `say which model of ${provider}` });
      else state.model = `${provider}/${model}`;
    },
    get totalCost() {
      return totals.cost;
    },
    get totalSaved() {
      return totals.saved;
    },
    get unpriced() {
      return totals.unpriced;
    },
    get unvalued() {
      return totals.unvalued;
    },
    async close() {
      closing.abort(new FailureError({ kind: 'cancelled', message: 'the client was closed' }));
      await http.close();
    },
  };
}
