/** A provider that says as much as anybody reads, for ever; and readers that stop. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Flood {
  /** For a catalogue, by the name of `flood`. */
  readonly provider: object;
  /** Poured out so far. */
  bytes: number;
  open: number;
  readonly close: () => void;
}

export async function startFlood(): Promise<Flood> {
  const event = Buffer.from(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'x'.repeat(16_000) }, finish_reason: null }] })}\n\n`);
  const server = createServer((request, response) => {
    request.resume();
    flood.open += 1;
    const over = { so: false };
    response.on('close', () => {
      over.so = true;
      flood.open -= 1;
    });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const pour = (): void => {
      for (let room = true; room && !over.so; ) {
        flood.bytes += event.length;
        room = response.write(event);
      }
    };
    response.on('drain', pour);
    pour();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const flood: Flood = {
    provider: { base_url: `http://127.0.0.1:${port}/v1`, models: [{ name: 'tide', context: 131_072, price: { input: 0, output: 0 } }] },
    bytes: 0,
    open: 0,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return flood;
}

const QUESTION = JSON.stringify({ model: 'flood/tide', stream: true, messages: [{ role: 'user', content: 'more' }] });

/** Reads the beginning of a stream, and no more. A daemon short of time turns newcomers away: they come again. */
export async function startReading(open: () => Socket): Promise<Socket> {
  for (;;) {
    const socket = open();
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${QUESTION.length}\r\n\r\n${QUESTION}`);
    const [beginning] = (await once(socket, 'data')) as [Buffer];
    socket.pause();
    if (beginning.toString('latin1').startsWith('HTTP/1.1 200')) return socket;
    socket.destroy();
    await sleep(1_000);
  }
}
