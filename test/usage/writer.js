/**
 * A process that finishes requests and says which, until it is killed, or as many as it is told. What it has said is
 * finished: the record must have it. Runs from dist, like the daemon.
 */
import { writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { createRecord } from '../../dist/usage/record.js';

const [, , dataDirectory = '', name = '', most = 'Infinity'] = process.argv;
/** Slow enough that batches are taken in meanwhile. */
const A_TURN = 20;
const DAY = 86_400_000;
const say = (line) => writeSync(1, `${line}\n`);

const record = createRecord({
  dataDirectory,
  retention: { requestsMs: 30 * DAY, mostRequests: 1_000_000, totalsMs: 400 * DAY },
  now: Date.now,
  emit: (event) => say(`notice ${event.message}`),
});

for (let number = 0; number < Number(most); number++) {
  const id = `${name}-${number}`;
  const at = Date.now();
  const attempts = [{ provider: 'groq', account: 'work', model: 'gpt', outcome: 'ok', sent: true, startedAt: at, endedAt: at }];
  record.observe({
    type: 'request-finished',
    request: { id, surface: 'chat', model: 'auto', stream: false, caller: { key: 'ci', project: 'web' }, receivedAt: at },
    summary: { status: 200, rule: 'general', words: [], attempts, provider: 'groq', account: 'work', model: 'gpt', usage: { input: 10, output: 5 }, costUsd: 0, savedUsd: 0.001, queueMs: 0, totalMs: 1, overheadMs: 1 },
  });
  if (record.health().pending === 0) say(id);
  if (number % A_TURN === 0) await pause(1);
}
// Whoever was told a number waits until all of it is written down.
while (record.health().pending > 0 || record.health().problems.length > 0) await pause(20);
await record.close();
