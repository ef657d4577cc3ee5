/** A real record of finished requests behind a real socket, and `tollfree stats` that asks it. */
import { Command } from 'commander';
import express from 'express';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { report } from '../../src/cli/errors.ts';
import { registerStats } from '../../src/cli/stats.ts';
import { failureOf } from '../../src/failure.ts';
import { ownUsage, usageStats } from '../../src/http/usage-stats.ts';
import { tellOpenAi } from '../../src/surfaces/errors.ts';
import { entryOf, lineOf } from '../../src/usage/entry.ts';
import { createKeeper } from '../../src/usage/keeper.ts';
import type { Keeper } from '../../src/usage/keeper.ts';
import { createSpool } from '../../src/usage/spool.ts';
import { createStage } from '../cli/context.ts';
import type { finished } from './finished.ts';

const DAY = 86_400_000;

export interface Reports {
  readonly origin: string;
  /** `tollfree stats` with these words, on a terminal of so many columns. */
  readonly stats: (commandLine: readonly string[], columns?: number) => Promise<{ readonly status: number; readonly out: string; readonly words: string }>;
  readonly close: () => void;
}

export async function startReports(events: readonly ReturnType<typeof finished>[], now: number): Promise<Reports> {
  const directory = mkdtempSync(join(tmpdir(), 'tollfree-stats-'));
  const spool = createSpool({ directory, now: () => now, onTrouble: () => undefined });
  for (const { request, summary } of events) spool.append(lineOf(entryOf(request, summary)));
  spool.close();
  const keeper = createKeeper({ directory, retention: { requestsMs: 400 * DAY, mostRequests: 100_000, totalsMs: 400 * DAY }, tell: () => undefined });
  while (keeper.take(now));

  const record = { stats: async (query: Parameters<Keeper['stats']>[0]) => keeper.stats(query, now) };
  const app = express().set('query parser', 'simple');
  app.get('/admin/usage-stats', usageStats({ record, now: () => now }));
  app.get('/v1/usage', ownUsage({ record, now: () => now, identify: ({ headers }) => ({ key: 'ci', project: 'web', ...(headers.authorization !== undefined && { id: headers.authorization }) }) }));
  app.use(((error, _request, response, _next) => {
    const { status, body } = tellOpenAi(failureOf(error), 'req_1', now);
    response.status(status).json(body);
  }) satisfies express.ErrorRequestHandler);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    async stats(commandLine, columns = 110) {
      const { context, heard } = createStage({ environment: { TOLLFREE_PORT: String(port), TOLLFREE_ADMIN_TOKEN: 'token' }, columns });
      const program = new Command().exitOverride().configureOutput({ writeErr: context.words.write });
      registerStats(program, context);
      const status = await program.parseAsync(['stats', ...commandLine], { from: 'user' }).then(() => 0, (error: unknown) => report(error, context));
      return { status, ...heard() };
    },
    close() {
      server.close();
      keeper.close();
      rmSync(directory, { recursive: true });
    },
  };
}
