/** Bytes to chunks, and who is told when it goes wrong. */
import { expect, test } from '@jest/globals';
import { FailureError } from '../../src/failure.ts';
import { createInbox } from '../../src/providers/inbox.ts';
import { openai } from '../../src/providers/openai.ts';
import { readChunks } from '../../src/providers/payloads.ts';
import { END } from '../../src/source.ts';

const event = (content: string): Buffer => Buffer.from(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`);

function reading() {
  const told: string[] = [];
  const box = createInbox({ pause: () => told.push('pause'), resume: () => told.push('resume'), leave: () => told.push('leave') });
  const decoder = openai.decode((body) => new FailureError({ kind: 'broken-answer', message: body }));
  const chunks = readChunks({ bytes: box.bytes, drain: () => box.discard() }, decoder, { credential: 'the-key', host: 'x', now: () => 0 });
  return { told, box, chunks };
}

test('what broke in the middle of a piece is told after what came before it, each time, and the connection is left once', () => {
  const { told, box, chunks } = reading();
  expect(chunks.take()).toBeUndefined();
  box.take(Buffer.concat([event('one'), Buffer.from('data: {no json}\n\n')]), 0);
  expect(chunks.take()).toMatchObject({ content: true });
  expect(() => chunks.take()).toThrow('not JSON');
  expect(() => chunks.take()).toThrow('not JSON');
  chunks.leave();
  expect(told).toEqual(['leave']);
});

test('a piece that completes nothing says that nothing is here', () => {
  const { box, chunks } = reading();
  const woken: string[] = [];
  const whole = event('one');
  chunks.take();
  chunks.when(() => woken.push('half'));
  box.take(whole.subarray(0, 10), 0);
  expect([woken, chunks.take()]).toEqual([['half'], undefined]);
  box.take(whole.subarray(10), 0);
  expect(chunks.take()).toMatchObject({ content: true });
  expect(woken).toEqual(['half']);
});

test('a reader that left is told the end', () => {
  const { told, box, chunks } = reading();
  box.take(event('one'), 0);
  chunks.leave();
  chunks.leave();
  expect([chunks.take(), told]).toEqual([END, ['leave']]);
});
