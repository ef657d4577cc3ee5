/** A load over kept-alive connections, with the time of each answer: closed, or at a fixed rate whatever comes back. */
import { Pool } from 'undici';

/** @returns times to the first body byte and to the last, milliseconds, one each a request */
export async function load(origin, { requests, connections, body, path = '/v1/chat/completions', headers = {}, perSecond }) {
  const pool = new Pool(origin, { connections, pipelining: 1 });
  const first = [];
  const whole = [];
  let left = requests;
  const one = () =>
    new Promise((resolve, reject) => {
      const started = performance.now();
      let begun = false;
      pool.dispatch(
        { method: 'POST', path, headers: { 'content-type': 'application/json', authorization: 'Bearer bench', ...headers }, body },
        {
          onRequestStart() {},
          onResponseStart(_controller, status) {
            if (status !== 200) reject(new Error(`answered ${status}`));
          },
          onResponseData() {
            if (!begun) first.push(performance.now() - started);
            begun = true;
          },
          onResponseEnd() {
            whole.push(performance.now() - started);
            resolve();
          },
          onResponseError: (_controller, error) => reject(error),
        },
      );
    });
  const worker = async () => {
    while (left-- > 0) await one();
  };
  const started = performance.now();
  await (perSecond === undefined ? Promise.all(Array.from({ length: connections }, worker)) : paced(one, requests, perSecond));
  const seconds = (performance.now() - started) / 1000;
  await pool.close();
  return { first, whole, rate: requests / seconds };
}

/** Nobody waits for an answer before asking the next question: a proxy that stalls is asked on. */
async function paced(one, requests, perSecond) {
  const started = performance.now();
  const asked = [];
  while (asked.length < requests) {
    const due = Math.min(requests, Math.floor(((performance.now() - started) * perSecond) / 1000) + 1);
    while (asked.length < due) asked.push(one());
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(asked);
}

export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
