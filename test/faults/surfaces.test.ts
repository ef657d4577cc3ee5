/** The same faults through every other surface: whole where it can be, else an error in the words of that surface. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHttp } from '../../src/providers/call.ts';
import type { Http } from '../../src/providers/call.ts';
import { startSimulators } from '../../src/sim/simulators.ts';
import type { Simulators } from '../../src/sim/simulators.ts';
import { openHouse } from './house.ts';
import type { HouseOptions } from './house.ts';
import { faultOf, rows, within } from './rows.ts';
import type { Row } from './rows.ts';
import { wireRows } from './wire-rows.ts';

interface Surface {
  readonly path: string;
  readonly question: object;
  /** How a whole answer ends, streaming and not. */
  readonly whole: RegExp;
  /** How a broken stream ends. */
  readonly broken: RegExp;
  /** An error instead of an answer. */
  readonly envelope: object;
}

const openAi = { error: { message: expect.any(String), type: expect.any(String), code: expect.any(String) } };
const surfaces: Readonly<Record<string, Surface>> = {
  completions: {
    path: '/completions',
    question: { model: 'auto', prompt: 'Tell me a story' },
    whole: /"finish_reason":"stop".*data: \[DONE\]\n\n$|^\{.*"finish_reason":"stop"/s,
    broken: /data: \{"error":\{[^\n]*\n\n$/,
    envelope: openAi,
  },
  messages: {
    path: '/messages',
    question: { model: 'auto', max_tokens: 500, messages: [{ role: 'user', content: 'Tell me a story' }] },
    whole: /event: message_stop\n[^\n]*\n\n$|^\{.*"stop_reason":"end_turn"/s,
    broken: /event: error\ndata: \{"type":"error","error":\{[^\n]*\n\n$/,
    envelope: { type: 'error', error: { type: expect.any(String), message: expect.any(String) }, request_id: expect.any(String) },
  },
  responses: {
    path: '/responses',
    question: { model: 'auto', input: 'Tell me a story' },
    whole: /event: response\.completed\n[^\n]*\n\n$|^\{.*"status":"completed"/s,
    broken: /event: error\n[^\n]*\n\nevent: response\.failed\n[^\n]*\n\n$/,
    envelope: openAi,
  },
};
/** One of each kind. */
const NAMES: ReadonlySet<string> = new Set([
  'reset before anything', 'reset mid-stream', 'hang before headers', 'content, then silence', 'no finish reason', 'cut in half', 'gzip cut short', '10 MB without a line end, mid-stream', 'a page in a 200',
  'JSON for a stream, a stream for JSON', 'malformed JSON mid-stream', 'an error event mid-stream, as openrouter writes it', '429 with seconds', '402', '401', '404', 'context length', 'a content filter', '500', 'half of a JSON answer',
]);
const chosen = [...rows, ...wireRows].filter(({ name }) => NAMES.has(name));

const state: { simulators: Simulators; http: Http } = { simulators: undefined as never, http: undefined as never };
beforeAll(async () => {
  expect(chosen.map(({ name }) => name).toSorted()).toEqual([...NAMES].toSorted());
  const endless = { rate_limit: { windows: [{ requests: 1_000_000, seconds: 60 }] }, models: 'together' as const };
  state.simulators = await startSimulators({ ports: 'each', pace: { firstMs: 0, tokenMs: 0 }, limits: { groq: endless, cerebras: endless } });
  state.http = createHttp({ now: Date.now, userAgent: 'tollfree/0.0.0' });
});
afterAll(async () => {
  await state.http.close();
  await state.simulators.close();
});

async function ask({ path, question }: Surface, stream: boolean, options: Partial<HouseOptions>): Promise<{ readonly status: number; readonly text: string }> {
  const house = await openHouse({ simulators: state.simulators, http: state.http, ...options });
  try {
    const answer = await house.ask(path, { ...question, stream });
    return { status: answer.status, text: await answer.text() };
  } finally {
    await house.close();
  }
}

const larger = { models: { groq: { context: 8_000 }, cerebras: { context: 64_000 } } };

/** One answer: the good end, or the bad one, and never both. */
function expectEnd({ whole, broken, envelope }: Surface, { status, text }: { readonly status: number; readonly text: string }, expected: 'whole' | 'event' | number): void {
  expect([status, text]).toEqual([typeof expected === 'number' ? expected : 200, text]);
  expect([whole.test(text), broken.test(text)]).toEqual([expected === 'whole', expected === 'event']);
  if (typeof expected === 'number') expect(JSON.parse(text)).toMatchObject(envelope);
}

describe.each(Object.entries(surfaces))('%s', (_surface, surface) => {
  describe.each([['streaming', true], ['not streaming', false]] as const)('%s', (_how, stream) => {
    const ending = (row: Row) => row[stream ? 'stream' : 'json'];

    test.each(chosen.map((row) => [row.name, row] as const))('%s, and another is good', async (_name, row) => {
      const undo = await state.simulators.misbehave({ provider: 'groq', fault: faultOf(row, stream) });
      try {
        const expected = ending(row) === 'event' ? 'event' : (ending(row) === 'told' ? row.status : 'whole');
        expectEnd(surface, await ask(surface, stream, { ...larger, ...within(row, ['groq'], 1_000) }), expected);
      } finally {
        await undo();
      }
    });

    test.each(chosen.filter((row) => row.status !== 200 && ending(row) !== 'first').map((row) => [row.name, row] as const))('%s everywhere', async (_name, row) => {
      const undo = await state.simulators.misbehave({ fault: faultOf(row, stream) });
      try {
        expectEnd(surface, await ask(surface, stream, { callerMs: row.deadlines === undefined ? 3_000 : 300, ...within(row, ['groq', 'cerebras'], 150) }), ending(row) === 'event' ? 'event' : row.status);
      } finally {
        await undo();
      }
    });
  });
});
