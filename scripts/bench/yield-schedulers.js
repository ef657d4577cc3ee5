/**
 * Four ways to spend the same quota: tollfree, a scheduler that sees every counter upstream, and the two plain ones.
 * Each is `(scene) => ask(question, deadline)`, which resolves to `{ ok: true, admittedAt, tokens }` or `{ ok: false, retryAt }`.
 */
import Bottleneck from 'bottleneck';
import { createAccounts } from '../../dist/accounts/accounts.js';
import { failureOf } from '../../dist/failure.js';
import { answer } from '../../dist/gateway.js';
import { createFirstContent } from '../../dist/gateway/first-content.js';
import { createRetryBudget } from '../../dist/gateway/retry-budget.js';
import { createUntaken } from '../../dist/gateway/untaken.js';
import { compileRules } from '../../dist/routing/classify.js';
import { isDenial } from '../../dist/sim/quota.js';
import { dice } from './yield-load.js';
import { after, now, sleep } from './yield-time.js';

const RULE = {
  name: 'any', conditions: { keywords: [], keywordsNone: [], patterns: [], minKeywordScore: 0, models: ['auto'] }, preferences: [], models: {}, capabilities: [],
  fallbackChain: [], strategy: 'round_robin', onPolicyRefusal: 'stop', onStreamBreak: 'error', deadlines: {},
};
const POLICY = { freeOnly: true, firstContentMs: 10_000, wholeAnswerMs: 60_000, stallMs: 20_000, totalMs: 300_000 };
/** So many virtual keys share the load. */
const KEYS = 10;

/** The daemon's own loop, line, windows and readers. Only sockets are left out. */
export function tollfree({ providers, accounts, upstream, missed }) {
  const catalogue = { providers: new Map(providers.map((provider) => [provider.name, provider])) };
  const kept = createAccounts({ accounts, catalogue: () => catalogue, scheduler: { now, after }, emit: () => undefined, lineBound: 1000, random: dice(3) });
  const rules = compileRules({ rules: [RULE], defaultRule: 'any' });
  const asked = new WeakMap();
  const gateway = {
    now, rules: () => rules, catalogue: () => catalogue, usable: () => true, accounts: kept,
    async send({ request, target, account }, signal) {
      const call = asked.get(request.caller);
      const { facts, admittedAt, usage } = await upstream.call(target, account, call.question, signal);
      call.admittedAt = admittedAt;
      async function* chunks() {
        if (request.stream) yield { text: '{}', whole: false, content: true };
        const { prompt, completion } = await usage();
        call.tokens = prompt + completion;
        yield { text: '{}', whole: !request.stream, content: true, finish: 'stop', usage: { input: prompt, output: completion } };
      }
      return { facts, chunks: chunks() };
    },
    price: () => ({}), emit: () => undefined, policy: () => POLICY, retries: createRetryBudget({ now, ratio: 0.2, perSecond: 10 }), firstContent: createFirstContent(), untaken: createUntaken(now), random: dice(5),
  };
  return async (question, deadline) => {
    const caller = { key: `key-${question.index % KEYS}`, project: 'bench' };
    const call = { question, admittedAt: 0, tokens: 0 };
    asked.set(caller, call);
    const request = {
      id: `req_${question.index}`, surface: 'chat', model: 'auto', stream: question.stream, body: question.body, text: { last: '', earlier: [], system: '' }, needs: [],
      promptTokens: question.promptTokens, maxOutput: question.maximum, caller, receivedAt: now(), deadline, priority: 5,
    };
    try {
      const certain = await answer(gateway, request, new AbortController().signal);
      for await (const _ of certain.chunks);
      return { ok: true, admittedAt: call.admittedAt, tokens: call.tokens };
    } catch (error) {
      const failure = failureOf(error);
      // A mistake of the bench, not of the quota's.
      if (failure.kind === 'internal') throw error;
      missed(question, { waiting: kept.waiting(), failure });
      return { ok: false, retryAt: failure.retryAt };
    }
  };
}

/**
 * Clairvoyant: every question waits at upstream's own door, sees all counters, and is let in at the instant there is room.
 * Only that a call ended needs the network's time to be known. It keeps what clients are promised: the rule's order, and that nobody
 * small overtakes somebody large who waits for the same window. Calendars give all of it back at once.
 */
export const clairvoyant = (scene) => foreseeing(scene, true);

/** The same without that promise: more comes of it where not everybody counts tokens, and whoever is large starves. */
export const clairvoyantOvertaking = (scene) => foreseeing(scene, false);

function foreseeing({ options, upstream }, inLine) {
  const queue = new Set();
  const state = { timer: undefined };

  function look() {
    state.timer?.();
    let next = Infinity;
    const claimed = new Set();
    for (const waiting of queue) {
      const opens = letIn(waiting, claimed);
      if (opens === undefined) queue.delete(waiting);
      else next = Math.min(next, opens);
    }
    state.timer = Number.isFinite(next) ? after(next - now(), look) : undefined;
  }

  function letIn({ question, admit }, claimed) {
    let opens = Infinity;
    const wanted = [];
    for (const { target, account } of options) {
      const meter = upstream.meterOf(target, account);
      if (claimed.has(meter)) continue;
      const outcome = meter.admit(now(), { tokens: upstream.reserve(question)(target) });
      if (!isDenial(outcome)) return void admit({ lease: outcome, target });
      opens = Math.min(opens, now() + (outcome.waitMs ?? Infinity));
      if (outcome.window?.kind !== 'calendar') wanted.push(meter);
    }
    if (inLine) for (const meter of wanted) claimed.add(meter);
    return opens;
  }

  return async (question, deadline) => {
    for (;;) {
      const admission = await new Promise((resolve) => {
        const waiting = { question, admit: resolve };
        queue.add(waiting);
        look();
        after(Math.max(0, deadline - now()), () => void (queue.delete(waiting) && resolve(undefined)));
      });
      if (admission === undefined) return { ok: false, retryAt: now() + 1000 };
      const { lease, target } = admission;
      const admittedAt = now();
      const fate = upstream.fate();
      const tokens = upstream.tokensOf(target, question);
      const settle = () => void (upstream.charges(target) === 'used' && lease.settle(tokens));
      if (!question.stream) settle();
      await sleep(fate === 'answer' ? upstream.between(upstream.answerMs) : upstream.between(upstream.jitter));
      settle();
      // That an answer ended needs its time to be known, and the next call to arrive.
      await sleep(upstream.between(upstream.jitter) + upstream.between(upstream.jitter));
      lease.release();
      look();
      if (fate === 'answer') return { ok: true, admittedAt, tokens };
    }
  };
}

const isRefusal = ({ kind }) => ['rate-minute', 'rate-day', 'overloaded', 'silent'].includes(kind);

/** One call, as plain approaches make it: a signal that gives up after a minute. */
async function plainCall(upstream, { target, account }, question) {
  const controller = new AbortController();
  const giveUp = after(60_000, () => controller.abort({ kind: 'silent', message: 'no answer' }));
  try {
    const { admittedAt, usage } = await upstream.call(target, account, question, controller.signal);
    const { prompt, completion } = await usage();
    return { ok: true, admittedAt, tokens: prompt + completion };
  } catch (error) {
    const failure = error.failure ?? error;
    return { ok: false, retryAt: failure.retryAt, again: isRefusal(failure) };
  } finally {
    giveUp();
  }
}

/** In turn over all accounts and models, until one does not refuse. */
export function untilRefused({ options, upstream, missed }) {
  const state = { turn: 0 };
  return async (question) => {
    let last;
    for (let attempt = 0; attempt < options.length; attempt += 1) {
      state.turn += 1;
      last = await plainCall(upstream, options[state.turn % options.length], question);
      if (last.ok || !last.again) break;
    }
    if (!last.ok) missed(question, { waiting: 0 });
    return last;
  };
}

/** The same behind a Bottleneck reservoir for each, filled anew every span with the limit in the configuration. */
export function reservoirs({ options, upstream, missed }) {
  const limiters = options.map(({ target: { provider, model } }) => {
    const { windows, concurrent } = model.limits.windows.length > 0 || model.limits.concurrent ? model.limits : provider.limits;
    const shortest = windows.filter(({ unit }) => unit === 'requests').sort((one, other) => one.seconds - other.seconds)[0];
    return new Bottleneck({
      maxConcurrent: concurrent ?? null,
      ...(shortest && { reservoir: shortest.limit, reservoirRefreshAmount: shortest.limit, reservoirRefreshInterval: shortest.seconds * 1000 }),
    });
  });
  const state = { turn: 0 };
  return async (question, deadline) => {
    let last = { ok: false };
    for (let attempt = 0; attempt < options.length && now() <= deadline; attempt += 1) {
      state.turn += 1;
      const place = state.turn % options.length;
      last = await limiters[place].schedule(async () => (now() > deadline ? { ok: false } : plainCall(upstream, options[place], question)));
      if (last.ok || !last.again) break;
    }
    if (!last.ok) missed(question, { waiting: 0 });
    return last;
  };
}
