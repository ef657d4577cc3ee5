/** A provider of a few lines: takes anything, remembers it, answers what the test says. */
import { expect } from '@jest/globals';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

export interface Recorded {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly type: string;
  readonly body: string | readonly (string | Uint8Array)[];
}

export interface Recorder {
  readonly origin: string;
  readonly seen: Recorded[];
  readonly close: () => void;
}

/** `answer` gets the path without its query. */
export async function startRecorder(answer: (call: Recorded) => Reply): Promise<Recorder> {
  const seen: Recorded[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request.setEncoding('latin1'));
    const call = { path: request.url ?? '', headers: request.headers, body };
    seen.push(call);
    const reply = answer(call);
    response.writeHead(reply.status ?? 200, { 'content-type': reply.type });
    for (const part of typeof reply.body === 'string' ? [reply.body] : reply.body) response.write(part);
    response.end();
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The product, and providers that are all one recorder. */
export interface Recording {
  readonly system: System;
  readonly recorder: Recorder;
  readonly close: () => Promise<void>;
}

/** With an account at each provider. `entries`: what the catalogue says of each, as YAML, by its name. */
export async function startRecording(answer: Parameters<typeof startRecorder>[0], entries: (origin: string) => Readonly<Record<string, string>>): Promise<Recording> {
  const recorder = await startRecorder(answer);
  const said = entries(recorder.origin);
  const providers = `providers:\n${Object.entries(said).map(([name, entry]) => `  ${name}: ${entry}\n`).join('')}`;
  const system = await startSystem({ providers, accounts: {}, rules: 'routing_rules: [{ name: general }]\ndefault_rule: general\n' });
  for (const provider of Object.keys(said)) expect((await system.admin('POST', '/accounts', { provider, label: 'one', key: `${provider}-key-1`, check: false })).status).toBe(201);
  return {
    system,
    recorder,
    async close() {
      await system.close();
      recorder.close();
    },
  };
}
