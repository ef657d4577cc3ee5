/** Talks to the running daemon, in words a person can act on when it does not talk back. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ANSWERS } from '../http/answers.ts';
import type { AnswerName } from '../http/answers.ts';
import { given } from '../variables.ts';
import type { Context } from './context.ts';
import { CommandError } from './errors.ts';
import { note } from './output.ts';
import { daemonAddress, placesOf } from './places.ts';
import type { Answer } from './shapes.ts';

/** Nobody answers: told apart because some commands can do without the daemon. */
export class NoDaemonError extends CommandError {
  constructor(address: string, cause: unknown) {
    super(`no daemon answers at ${address}`, { hint: 'start it with `npm start`, or set TOLLFREE_HOST and TOLLFREE_PORT to where it runs', cause });
    this.name = 'NoDaemonError';
  }
}

export interface Question {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

export interface AdminClient {
  /** `host:port` of the daemon. */
  readonly address: string;
  /** Any door, as it answers. Throws {@link NoDaemonError}, or a {@link CommandError} with the daemon's own words for every refusal. */
  fetch(path: string, question?: Question): Promise<Response>;
  /** The JSON answer that `/openapi.json` calls so. */
  ask<Name extends AnswerName>(path: string, name: Name, question?: Question): Promise<Answer<Name>>;
  /** Every page of a list, as one. */
  askAll<Name extends keyof typeof LISTS>(path: string, name: Name): Promise<Answer<Name>>;
}

/** Answers that come in pages, and what these are pages of. */
const LISTS = { Accounts: 'accounts', Providers: 'providers', VirtualKeys: 'virtual_keys', Usage: 'rows' } as const satisfies Partial<Record<AnswerName, string>>;
/** All of them have so many at a time. */
const PAGE = 500;

/** Admin answers come from memory: a daemon that needs longer is not well. A stream has no such limit. */
const PATIENCE_MS = 10_000;

export async function createAdminClient(context: Context): Promise<AdminClient> {
  const address = daemonAddress(context);
  const tokenFile = join(placesOf(context).dataDirectory, 'admin.token');
  const token = given(context.environment, 'TOLLFREE_ADMIN_TOKEN') ?? (await readToken(tokenFile));

  const ask = async (path: string, { method = 'GET', body, signal }: Question = {}): Promise<Response> => {
    const response = await fetch(`http://${address}${path}`, {
      method,
      redirect: 'error',
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: signal ?? AbortSignal.timeout(PATIENCE_MS),
    }).catch((error: unknown) => {
      throw signal?.aborted === true ? error : new NoDaemonError(address, error);
    });
    if (response.ok) return response;
    throw await refusal(response, { path, token, tokenFile });
  };

  async function read<Name extends AnswerName>(path: string, name: Name, question?: Question): Promise<Answer<Name>> {
    const response = await ask(path, question);
    const parsed = ANSWERS[name].safeParse(await response.json().catch(() => undefined));
    if (parsed.success) return parsed.data as Answer<Name>;
    throw new CommandError(`${address}${path} answered something this version does not understand`, { hint: 'the daemon may be of another version, or it is another program', cause: parsed.error });
  }

  async function readAll<Name extends keyof typeof LISTS>(path: string, name: Name): Promise<Answer<Name>> {
    const items: unknown[] = [];
    for (let after = ''; ; ) {
      const page = (await read(`${path}${path.includes('?') ? '&' : '?'}limit=${PAGE}${after}`, name)) as Page;
      const { next, ...rest } = page as { readonly next?: string | number };
      items.push(...(page[LISTS[name]] as readonly unknown[]));
      if (next === undefined) return { ...rest, [LISTS[name]]: items } as unknown as Answer<Name>;
      after = `&after=${encodeURIComponent(next)}`;
    }
  }

  return { address, fetch: ask, ask: read, askAll: readAll };
}

/** Undefined where no daemon answers: then a note says so, and what that means here. */
export async function runningDaemon(context: Context, without: string): Promise<AdminClient | undefined> {
  const client = await createAdminClient(context);
  try {
    await client.fetch('/health/live');
    return client;
  } catch (error) {
    if (!(error instanceof NoDaemonError)) throw error;
    note(context, `${error.message}; ${without}`);
    return undefined;
  }
}

type Page = Readonly<Record<string, unknown>>;

/** No more than is read of it: whatever listens there may have refused. */
export const refusalShape = z.object({ error: z.object({ message: z.string() }) });

/** Absent where there is none yet: an open daemon may still answer, and a closed one says so. */
async function readToken(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch {
    return undefined;
  }
}

async function refusal(response: Response, { path, token, tokenFile }: { readonly path: string; readonly token: string | undefined; readonly tokenFile: string }): Promise<CommandError> {
  const said = refusalShape.safeParse(await response.json().catch(() => undefined));
  const message = said.success ? said.data.error.message : `${path} answered ${response.status}`;
  if (response.status !== 401 && response.status !== 403) return new CommandError(message, { status: response.status === 400 ? 2 : 1 });
  const hint = token === undefined ? `no admin token at ${tokenFile}: set TOLLFREE_ADMIN_TOKEN, or TOLLFREE_DATA_DIR to the daemon's data directory` : 'TOLLFREE_ADMIN_TOKEN or admin.token in TOLLFREE_DATA_DIR must be that of the running daemon';
  return new CommandError(message, { hint });
}
