/**
 * One daemon, and processes that take its clients' connections (`server.workers`).
 *
 * The owner is the whole daemon: vault, windows, line, limits, journals, record, metrics, admin. It alone counts, so limits
 * hold exactly however many ask. It listens on a socket that nobody else can reach; its workers listen where clients come,
 * answer conversations themselves, ask it for turns and tell it what became of them (see messages.ts).
 */
import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Express } from 'express';
import { ConfigError } from '../config/problems.ts';
import type { LiveRequests } from '../http/stream.ts';
import { listen } from '../main/listen.ts';
import type { Listening } from '../main/listen.ts';
import { CLIENT_ADDRESS } from './hand-on.ts';
import type { MemberOptions } from './member.ts';
import { startTeam } from './team.ts';
import type { Team } from './team.ts';

export interface OwnerOptions extends Omit<MemberOptions, 'socketPath'> {
  readonly app: Express;
  readonly live: LiveRequests;
  readonly dataDirectory: string;
  readonly unlocked: () => boolean;
}

export interface Owner extends Listening, Pick<Team, 'running'> {}

/** The shortest any system allows for the path of a socket. */
const LONGEST_PATH = 103;
/** What changes elsewhere is in force with the workers as soon. */
const TELL_MS = 100;
/** What was handed on ends with the workers; this is for the last of it. */
const LAST_MS = 1_000;

/** Throws ConfigError, and what listening throws. */
export async function startOwner(options: OwnerOptions): Promise<Owner> {
  const { app, live, settings, dataDirectory, unlocked } = options;
  const socketPath = join(dataDirectory, 'workers.sock');
  if (Buffer.byteLength(socketPath) > LONGEST_PATH) throw new ConfigError([{ file: 'server.workers', line: 0, column: 0, path: '', message: `the path ${socketPath} is too long for a socket; a shorter TOLLFREE_DATA_DIR will do` }]);
  const { host, port } = await freeAddress(options);
  const state: { team?: Team; locked: boolean } = { locked: !unlocked() };

  // The directory is this daemon's alone, so what lies there was left behind.
  await rm(socketPath, { force: true });
  const first = (request: IncomingMessage, response: ServerResponse): void => {
    knowClient(request);
    keepOpen(response);
    tellFirst(response, () => state.team?.tell());
  };
  const inner = await listen(app, live, { path: socketPath, uploadMs: settings.deadlines.uploadMs, first });
  await chmod(socketPath, 0o600);
  const team = (state.team = startTeam({ ...options, host, port, socketPath }));
  try {
    await team.ready;
  } catch (error) {
    await team.drain(0);
    await inner.drain(0);
    throw error;
  }

  const telling = setInterval(() => {
    team.tell();
    const locked = !unlocked();
    if (locked && !state.locked) team.forget();
    state.locked = locked;
  }, TELL_MS).unref();

  return {
    host,
    port,
    running: team.running,
    async drain(milliseconds) {
      clearInterval(telling);
      await team.drain(milliseconds);
      await inner.drain(LAST_MS);
    },
  };
}

/** The port is chosen once, so that a worker that starts later listens where the others do; and who cannot have it learns so here. */
async function freeAddress({ host, port }: OwnerOptions): Promise<{ readonly host: string; readonly port: number }> {
  const server = createServer();
  server.listen(port, host);
  await once(server, 'listening');
  const { address, port: chosen } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { host: address, port: chosen };
}

/** Connections between worker and owner serve one client after another. */
function knowClient({ socket, headers }: IncomingMessage): void {
  Object.defineProperty(socket, 'remoteAddress', { value: headers[CLIENT_ADDRESS], configurable: true });
}

/** A refusal before the whole question is here closes the client's connection; closing this one, too, would lose the refusal on the way. */
function keepOpen(response: ServerResponse): void {
  const setHeader = response.setHeader.bind(response);
  response.setHeader = (name, value) => (name === 'connection' ? response : setHeader(name, value));
}

/** Whoever is answered that something is another finds it so at every worker: they are told before the answer begins. */
function tellFirst(response: ServerResponse, tell: () => void): void {
  const writeHead = response.writeHead.bind(response) as (...head: readonly unknown[]) => ServerResponse;
  response.writeHead = (...head: readonly unknown[]) => {
    tell();
    return writeHead(...head);
  };
}
