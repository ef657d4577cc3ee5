/** Clients that read slowly or not at all, on real sockets. */
import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { endSoon, startHeartbeat, writeFrames } from '../../src/http/stream.ts';
import { createSource, END } from '../../src/source.ts';

interface Meeting {
  readonly socket: Socket;
  readonly response: ServerResponse;
  readonly close: () => void;
}

/** A client that has asked and reads nothing until it resumes. */
async function meet(): Promise<Meeting> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const asked = once(server, 'request') as Promise<[unknown, ServerResponse]>;
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.pause();
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const [, response] = await asked;
  return {
    socket,
    response,
    close() {
      socket.destroy();
      server.close();
    },
  };
}

const MEGABYTE = 'x'.repeat(1024 * 1024);

test('a reader that stopped is cut, and holds back what is read upstream until then', async () => {
  const { response, close } = await meet();
  const read = { megabytes: 0, left: false };
  async function* frames(): AsyncGenerator<string> {
    try {
      for (; read.megabytes < 200; read.megabytes++) yield MEGABYTE;
    } finally {
      read.left = true;
    }
  }
  await writeFrames(response, frames(), 200);
  // What the kernel's buffers take, and no more.
  expect(read.megabytes).toBeLessThan(20);
  expect([response.destroyed, read.left]).toEqual([true, true]);
  close();
});

test('nor is more taken of what is all here already', async () => {
  const { response, close } = await meet();
  const read = { megabytes: 0, left: 0 };
  const frames = createSource<string>({
    take: () => ((read.megabytes += 1) > 200 ? END : MEGABYTE),
    when: () => undefined,
    leave: () => void (read.left += 1),
  });
  await writeFrames(response, frames, 200);
  expect(read.megabytes).toBeLessThan(20);
  expect([response.destroyed, read.left]).toEqual([true, 1]);
  close();
});

test('what breaks a source before a word of it is thrown, and the response stays open for the one who tells it', async () => {
  const { response, close } = await meet();
  const read = { left: 0 };
  const frames = createSource<string>({
    take() {
      throw new Error('broken');
    },
    when: () => undefined,
    leave: () => void (read.left += 1),
  });
  await expect(writeFrames(response, frames, 200)).rejects.toThrow('broken');
  expect([response.writableEnded, read.left]).toEqual([false, 1]);
  close();
});

test('the first frame is on its way before the next one is asked for', async () => {
  const { response, close } = await meet();
  const held: number[] = [];
  async function* frames(): AsyncGenerator<string> {
    for (const frame of ['one', 'two', 'three']) {
      yield frame;
      held.push(response.socket?.writableLength ?? Number.NaN);
    }
  }
  await writeFrames(response, frames(), 5_000);
  expect(held[0]).toBe(0);
  // What comes in the same turn goes together.
  expect(held[2]).toBeGreaterThan('twothree'.length);
  close();
});

test('a slow reader that goes on reading gets all of it', async () => {
  const { socket, response, close } = await meet();
  const got = { bytes: 0 };
  socket.on('data', (chunk: Buffer) => {
    got.bytes += chunk.length;
    socket.pause();
    setTimeout(() => socket.resume(), 1);
  });
  socket.resume();
  async function* frames(): AsyncGenerator<string> {
    for (let count = 0; count < 8; count++) yield MEGABYTE;
  }
  await writeFrames(response, frames(), 5_000);
  await once(response, 'finish');
  while (got.bytes < 8 * MEGABYTE.length) await once(socket, 'data');
  expect(response.listenerCount('close')).toBeLessThan(5);
  close();
});

test('what is left at the end must be taken, too', async () => {
  const { socket, response, close } = await meet();
  const got = { bytes: 0 };
  endSoon(response, 100, MEGABYTE.repeat(30));
  await once(response, 'close');
  socket.on('data', (chunk: Buffer) => void (got.bytes += chunk.length));
  socket.resume();
  await once(socket, 'close');
  expect(got.bytes).toBeLessThan(20 * MEGABYTE.length);
  close();
});

test('a heartbeat only where nothing moves, and never into a reader’s backlog', async () => {
  const { socket, response, close } = await meet();
  const seen: string[] = [];
  response.writeHead(200);
  response.write('data: 1\n\n');
  const stop = startHeartbeat(response, { everyMs: 20, openAfterMs: Number.POSITIVE_INFINITY, now: Date.now, head: {} });
  socket.on('data', (chunk: Buffer) => void seen.push(chunk.toString()));
  socket.resume();
  while (!seen.join('').includes(': keep-alive\n\n')) await once(socket, 'data');
  socket.pause();
  while (response.write(MEGABYTE));
  const { writableLength } = response;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(response.writableLength).toBeLessThanOrEqual(writableLength);
  stop();
  close();
});
