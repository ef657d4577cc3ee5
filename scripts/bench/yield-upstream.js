/**
 * The simulators without their sockets: the same windows, headers and refusals, after a virtual network. What a call is
 * told is read by the daemon's own readers.
 */
import { FailureError } from '../../dist/failure.js';
import { explain } from '../../dist/providers/explain.js';
import { readHeaderFacts } from '../../dist/providers/limits.js';
import { answerChat } from '../../dist/sim/answers.js';
import { createBenches } from '../../dist/sim/benches.js';
import { cerebras } from '../../dist/sim/cerebras.js';
import { groq } from '../../dist/sim/groq.js';
import { openrouter } from '../../dist/sim/openrouter.js';
import { planCall } from '../../dist/sim/plan.js';
import { isDenial } from '../../dist/sim/quota.js';
import { dice } from './yield-load.js';
import { now, sleep } from './yield-time.js';

export const wires = { openrouter, groq, cerebras };

const HEADERS = { authorization: 'Bearer key', 'user-agent': 'bench' };
/** The simulators' framing of a message. */
const MESSAGE_TOKENS = 4;
/** The first of them tell what is wrong. */
const REFUSALS_KEPT = 40;

const lower = (headers) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

const holderOf = (account) => ({ account: account.id, organization: account.organization ?? account.id });

const failed = (target, status, headers, body) => new FailureError(explain({ status, headers: lower(headers), body, provider: target.provider.name, model: target.model.name }, now()));

export function createUpstream({ limits, jitter = [5, 75], answerMs = [200, 1500], failures = 0, stalls = 0, seed = 7 }) {
  const benches = createBenches({ wires, now, limits, pace: { firstMs: 0, tokenMs: 0 }, seed });
  const random = dice(seed);
  const between = ([least, most]) => least + random() * (most - least);
  const counts = { calls: 0, refused: 0, refusals: [], onTheWay: 0 };
  /** Calls that are being answered, by meter: what bounds them. */
  const inFlight = new Map();

  const benchOf = ({ provider }) => benches.at(`${wires[provider.name].basePath}/`);
  const meterOf = (target, account) => benchOf(target).meter(holderOf(account), target.model.name);

  function fate() {
    const draw = random();
    return draw < failures ? 'fail' : draw < failures + stalls ? 'stall' : 'answer';
  }

  function admitted(meter, plan) {
    inFlight.set(meter, (inFlight.get(meter) ?? 0) + 1);
    return () => {
      inFlight.set(meter, inFlight.get(meter) - 1);
      plan.charge.lease.settle(plan.charge.cost(Infinity));
      plan.charge.lease.release();
    };
  }


  /** Rejects with the daemon's own failure. `admittedAt` is when upstream let the answered call in. */
  async function call(target, account, question, signal) {
    const meter = meterOf(target, account);
    const bench = benchOf(target);
    const takes = async (range) => {
      await sleep(between(range));
      if (signal.aborted) throw signal.reason;
    };
    counts.calls += 1;
    counts.onTheWay += 1;
    await sleep(between(jitter));
    counts.onTheWay -= 1;
    const at = now();
    const body = { ...question.body, model: target.model.name, stream: question.stream };
    const plan = planCall({ number: counts.calls, at, method: 'POST', path: '/chat/completions', query: new URLSearchParams(), headers: HEADERS, body, holder: holderOf(account) }, bench);
    const [head, ...rest] = plan.script;
    if (plan.charge === undefined) {
      const text = rest.find((step) => step.do === 'write')?.bytes.toString() ?? '';
      counts.refused += 1;
      if (counts.refusals.length < REFUSALS_KEPT) counts.refusals.push({ at, account: account.id, status: head.status, text });
      await sleep(between(jitter));
      throw failed(target, head.status, head.headers, text);
    }
    const leave = admitted(meter, plan);
    try {
      switch (fate()) {
        case 'fail':
          await takes(jitter);
          throw failed(target, 503, {}, '{"error":{"message":"Service Unavailable"}}');
        case 'stall':
          await new Promise((_resolve, reject) => void signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
          break;
        case 'answer':
          break;
        default:
      }
      const answer = async () => {
        await takes(answerMs);
        leave();
        return plan.chat.answer.usage;
      };
      if (question.stream) await takes(jitter);
      const usage = question.stream ? undefined : await answer();
      if (!question.stream) await takes(jitter);
      return { facts: readHeaderFacts({ headers: lower(head.headers), provider: target.provider.name }, now()), admittedAt: at, usage: async () => usage ?? answer() };
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** How many such calls each of these meters would let in now. */
  function room(options, tokensOf) {
    const meters = new Map(options.map(({ target, account }) => [meterOf(target, account), target]));
    let sum = 0;
    for (const [meter, target] of meters) {
      const rooms = meter.readings(now()).map(({ window, used }) => Math.floor((window.limit - used + 1e-9) / (window.unit === 'tokens' ? tokensOf(target) : 1)));
      const concurrent = limits[target.provider.name].quota.concurrent ?? Infinity;
      sum += Math.max(0, Math.min(concurrent - (inFlight.get(meter) ?? 0), ...rooms));
    }
    return sum;
  }

  /** When the first of these meters lets such a call in, if nobody else comes. Only to be asked when none has room. */
  function opensAt(options, tokensOf) {
    const waits = options.map(({ target, account }) => meterOf(target, account).admit(now(), { tokens: tokensOf(target) })).filter(isDenial);
    return now() + Math.min(...waits.map(({ waitMs }) => waitMs ?? Infinity));
  }

  const reserve = (question) => (target) => {
    const { wire } = benchOf(target);
    return wire.reserve(question.body, question.tokens + MESSAGE_TOKENS);
  };

  const charges = (target) => benchOf(target).wire.charge;
  /** What such a call uses in the end. */
  function tokensOf(target, question) {
    const { usage } = answerChat(question.body, benchOf(target).wire.models.find(({ id }) => id === target.model.name));
    return usage.prompt + usage.completion;
  }

  return { call, charges, tokensOf, room, opensAt, reserve, meterOf, fate, between, answerMs, jitter, counts, limits, inFlight };
}
