import { describe, expect, test } from '@jest/globals';
import { answer } from '../../src/gateway.ts';
import type { ChatChunk, ChatRequest, RequestSummary } from '../../src/types.ts';
import { request, role, silence, stage, stop, word } from './literals.ts';
import type { Script } from './literals.ts';

const said = (text: string, estimate: number): ChatChunk => ({ ...word(text), estimate });
const end: ChatChunk = { text: '{"stop":1}', whole: false, content: false, finish: 'stop' };

/** What is told of one request to a single provider; `leave`: the client goes after the first word. */
async function summaryOf(script: Script, asked: Partial<ChatRequest> = {}, leave = false): Promise<RequestSummary | undefined> {
  const { gateway, events } = stage({ accounts: { a: ['one'] }, scripts: { 'a/one': [script] } });
  const client = new AbortController();
  try {
    const { chunks } = await answer(gateway, request(asked), client.signal);
    for await (const { content } of chunks) if (leave && content) client.abort();
  } catch {
    // Told in the summary.
  }
  return events.find((event) => event.type === 'request-finished')?.summary;
}

describe('usage', () => {
  test('what a provider reports is what counts', async () => {
    expect((await summaryOf([role, said('hi', 40), stop]))?.usage).toEqual({ input: 10, output: 2 });
  });

  test('where it reports none, what it said is estimated, and marked', async () => {
    expect((await summaryOf([role, said('one', 1.25), said('two', 1.25), end]))?.usage).toEqual({ input: 10, output: 3, estimated: true });
  });

  test('a report without output, before the words, tells the input alone', async () => {
    expect((await summaryOf([{ ...role, usage: { input: 7, output: 0 } }, said('words', 2), end]))?.usage).toEqual({ input: 7, output: 2, estimated: true });
  });

  test('a broken stream tells what came until then', async () => {
    expect(await summaryOf([role, said('half', 5), { kind: 'broken-answer', message: 'torn' }])).toMatchObject({ failure: 'broken-answer', usage: { input: 10, output: 5, estimated: true } });
  });

  test('so does one its client left', async () => {
    expect(await summaryOf([role, said('half', 5), silence], {}, true)).toMatchObject({ failure: 'cancelled', usage: { input: 10, output: 5, estimated: true } });
  });

  test('an answer that said nothing used nothing that we know of', async () => {
    expect((await summaryOf({ kind: 'caller', message: 'no' }))?.usage).toBeUndefined();
  });
});
