/** Who asks, when, and for how much: the same for everyone who is measured. */
import { now, sleep } from './yield-time.js';

/** The same draws every time. */
export function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

const between = (random, [least, most]) => Math.round(least + random() * (most - least));

/** Small ones mostly, and now and then a large one. */
const SIZES = { small: [[60, 120]], mixed: [[60, 120], [60, 120], [200, 600], [1000, 2500]] };

/** A question of so many tokens, as a client would put it and as our own estimate sees it. */
function question(random, { sizes = 'small', stream = true }, index) {
  const kinds = SIZES[sizes];
  const tokens = between(random, kinds[Math.floor(random() * kinds.length)]);
  const maximum = between(random, [100, 300]);
  return {
    index,
    tokens,
    body: { messages: [{ role: 'user', content: 'word '.repeat(tokens).trim() }], max_tokens: maximum },
    promptTokens: Math.ceil(tokens * (0.9 + random() * 0.2)),
    maximum,
    stream: stream && random() < 0.5,
  };
}

/** A client that was refused comes back when it was told to, after two seconds at least and a minute at most. */
const BACK_MS = 60_000;

/**
 * Closed: so many clients, each asks again as soon as it has its answer. Open: so many a minute, whoever waits.
 * `ask(question, deadline)` resolves to `{ ok }`, or `{ ok: false, retryAt }`.
 */
export function startLoad({ clients, perMinute, patienceMs, seed = 1, ...kinds }, end, ask) {
  const random = dice(seed);
  const counter = { asked: 0 };
  const next = (own) => question(own, kinds, (counter.asked += 1));

  async function client(own) {
    await sleep(own() * 1000);
    while (now() < end) {
      const outcome = await ask(next(own), now() + patienceMs);
      if (!outcome.ok) await sleep(Math.min(BACK_MS, Math.max(2000, (outcome.retryAt ?? now()) - now())));
    }
  }

  async function crowd() {
    while (now() < end) {
      await sleep((-Math.log(1 - random()) * 60_000) / perMinute);
      void ask(next(random), now() + patienceMs);
    }
  }

  if (perMinute === undefined) for (let number = 0; number < clients; number += 1) void client(dice(seed * 1000 + number));
  else void crowd();
}
